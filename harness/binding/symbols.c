/* Call stacks in words: the file they belong to, what was looked up already, and the lines. */
#include "symbols.h"

#include "pe_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

static bool is_bundled(const struct gpup_static_implementation *known, const char *name) {
    for (; known && known->name; known++)
        if (strcmp(known->name, name) == 0)
            return true;
    return false;
}

/* The tables of an image; a damaged one has no names. */
static void read_image(struct gpup_symbols *s) {
    char why[400];
    struct gpup_pe_error error = {why, sizeof why};
    if (!gpup_pe_map_file(s->path, &s->bytes, &s->size, &error))
        s->bytes = NULL;
    if (s->bytes && gpup_pe_read(&s->pe, s->bytes, s->size, &error) && gpup_pe_map(&s->pe, &error)) {
        s->functions = gpup_pe_check_functions(&s->pe, &error);
        return;
    }
    if (s->bytes)
        munmap(s->bytes, s->size);
    s->bytes = NULL;
    free(s->path);
    s->path = NULL;
}

struct gpup_symbols *gpup_symbols_open(const char *implementation,
                                       const struct gpup_static_implementation *known) {
    struct gpup_symbols *s = calloc(1, sizeof *s);
    struct gpup_binding_parts parts;
    if (!s)
        return NULL;
    gpup_binding_split(implementation, &parts);
    const char *base = parts.driver, *slash = strrchr(base, '/'), *end = strrchr(base, '.');
    snprintf(s->name, sizeof s->name, "%.255s", slash ? slash + 1 : base);
    s->path = realpath(is_bundled(known, base) ? "/proc/self/exe" : base, NULL);
    if (s->path && end && strcasecmp(end, ".sys") == 0)
        read_image(s);
    return s;
}

void gpup_symbols_close(struct gpup_symbols *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->symbol[i].text);
    if (s->bytes) {
        gpup_pe_unmap(&s->pe);
        munmap(s->bytes, s->size);
    }
    free(s->symbol);
    free(s->path);
    free(s);
}

/* --- what is known already */

static struct gpup_named_address *find(const struct gpup_symbols *s, uint32_t address, bool instruction) {
    for (size_t i = 0; i < s->count; i++)
        if (s->symbol[i].address == address && s->symbol[i].instruction == instruction)
            return &s->symbol[i];
    return NULL;
}

static void note(struct gpup_symbols *s, uint32_t address, bool instruction) {
    if (find(s, address, instruction))
        return;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 64;
        struct gpup_named_address *grown = realloc(s->symbol, capacity * sizeof *grown);
        if (!grown)
            return; /* it has no name */
        s->symbol = grown;
        s->capacity = capacity;
    }
    s->symbol[s->count++] = (struct gpup_named_address){address, instruction, NULL};
}

static bool is_instruction(const struct gpup_places *places, unsigned kind, unsigned frame) {
    return places->instruction && kind == GPUP_CALLERS_HERE && frame == 0;
}

void gpup_symbols_look_up(struct gpup_symbols *s, const struct gpup_places *const *places, size_t count) {
    size_t first = s->count;
    for (size_t i = 0; i < count; i++)
        for (unsigned kind = 0; kind < GPUP_CALLERS_KINDS; kind++)
            for (unsigned k = 0; k < places[i]->of[kind].count; k++)
                note(s, places[i]->of[kind].at[k], is_instruction(places[i], kind, k));
    if (s->path && s->count > first)
        gpup_symbols_ask(s, first);
}

/* --- lines */

static void tell_frame(FILE *out, const struct gpup_symbols *s, const char *before, uint32_t address,
                       bool instruction) {
    const struct gpup_named_address *symbol = s ? find(s, address, instruction) : NULL;
    const char *text = symbol ? symbol->text : NULL;
    if (!text)
        fprintf(out, "%s%s+0x%x\n", before, s ? s->name : "", address);
    for (size_t length; text && *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        fprintf(out, "%s%s!%.*s\n", before, s->name, (int)length, text);
        before = "called from ";
    }
}

char *gpup_symbols_tell(struct gpup_symbols *s, const struct gpup_places *places) {
    static const char *const words[] = {"at ", "allocated at ", "freed at "};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (s)
        gpup_symbols_look_up(s, &places, 1);
    for (unsigned kind = 0; out && kind < GPUP_CALLERS_KINDS; kind++)
        for (unsigned k = 0; k < places->of[kind].count; k++)
            tell_frame(out, s, k ? "called from " : words[kind], places->of[kind].at[k],
                       is_instruction(places, kind, k));
    if (out && fclose(out) == 0 && size) {
        text[size - 1] = 0; /* in the place of the last newline */
        return text;
    }
    free(text);
    return NULL;
}
