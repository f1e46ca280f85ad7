/* Edits of saved data: what a broken, newer or hostile other host could send. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool patch(struct blob *b, const struct gpup_value *f) {
    uint64_t offset = value_size(&f[GPUP_PatchBlob_offset], b->size), width = f[GPUP_PatchBlob_width].number,
             old = 0;
    uint64_t value = f[GPUP_PatchBlob_value].number;
    width = width < 1 ? 1 : width > 8 ? 8 : width;
    if (offset > b->size || width > b->size - offset)
        return false;
    memcpy(&old, b->bytes + offset, width);
    if (f[GPUP_PatchBlob_how].number == GPUP_PATCH_ADD)
        value += old;
    else if (f[GPUP_PatchBlob_how].number == GPUP_PATCH_XOR)
        value ^= old;
    memcpy(b->bytes + offset, &value, width);
    b->edited = true;
    return true;
}

static bool resize(struct blob *b, uint64_t size) {
    size = size < WORLD_BLOB_MAX ? size : WORLD_BLOB_MAX;
    uint8_t *bytes = realloc(b->bytes, size ? size : 1);
    if (!bytes)
        return false;
    if (size > b->size)
        memset(bytes + b->size, 0, size - b->size);
    *b = (struct blob){bytes, size, true, true};
    return true;
}

static bool duplicate(struct blob *to, const struct blob *from) {
    uint8_t *bytes = malloc(from->size ? from->size : 1);
    if (!bytes)
        return false;
    memcpy(bytes, from->bytes, from->size);
    if (to != from)
        free(to->bytes);
    else
        free(from->bytes);
    *to = (struct blob){bytes, from->size, true, from->edited};
    return true;
}

static struct blob *named(struct host *h, const struct gpup_step *s, unsigned field) {
    struct blob *b = &h->world->blob[step_number(s, field) % WORLD_BLOBS];
    if (!b->there)
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the blob does not exist");
    return b->there ? b : NULL;
}

static void edited(struct host *h, bool done) {
    if (!done)
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the edit lies outside the blob");
}

void do_PatchBlob(struct host *h, const struct gpup_step *s) {
    struct blob *b = named(h, s, GPUP_PatchBlob_blob);
    if (b)
        edited(h, patch(b, s->f));
}

void do_ResizeBlob(struct host *h, const struct gpup_step *s) {
    struct blob *b = named(h, s, GPUP_ResizeBlob_blob);
    if (b)
        edited(h, resize(b, value_size(&s->f[GPUP_ResizeBlob_size], b->size)));
}

void do_CopyBlob(struct host *h, const struct gpup_step *s) {
    struct blob *b = named(h, s, GPUP_CopyBlob_from);
    if (b)
        edited(h, duplicate(&h->world->blob[step_number(s, GPUP_CopyBlob_to) % WORLD_BLOBS], b));
}
