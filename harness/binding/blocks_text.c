/* The instructions of blocks as text. */
#include "blocks.h"

#include "pe_open.h"

#include <stdio.h>
#include <sys/mman.h>

struct listing {
    struct blocks b;
    ZydisFormatter formatter;
    gpup_instruction_fn *each;
    void *context;
};

static bool list_point(struct listing *l, const struct gpup_points *points, size_t i) {
    const struct gpup_point *p = &points->point[i];
    struct instruction in;
    char text[128];
    for (uint32_t rva = p->rva; rva - p->rva < p->size; rva = in.next) {
        if (!blocks_decode(&l->b, rva, &in) ||
            !ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&l->formatter, &in.i, in.operand,
                                                          in.i.operand_count_visible, text, sizeof text,
                                                          points->preferred + rva, NULL)))
            return false;
        l->each(l->context, i, rva, text);
    }
    return true;
}

static bool list(const void *bytes, size_t size, const struct gpup_points *points, struct listing *l,
                 const struct gpup_pe_error *error) {
    struct gpup_pe pe = {0};
    bool ok = gpup_pe_read(&pe, bytes, size, error) && gpup_pe_map(&pe, error);
    l->b.pe = &pe;
    ZydisDecoderInit(&l->b.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&l->formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    for (size_t i = 0; ok && i < points->count; i++)
        ok = list_point(l, points, i) || gpup_pe_refuse(error, "has no code at 0x%x", points->point[i].rva);
    gpup_pe_unmap(&pe);
    return ok;
}

bool gpup_points_list(const char *path, const struct gpup_points *points, gpup_instruction_fn *each,
                      void *context, char *message, size_t message_size) {
    char why[400] = "";
    struct gpup_pe_error error = {why, sizeof why};
    struct listing l = {.each = each, .context = context};
    void *bytes;
    size_t size;
    bool ok = gpup_pe_map_file(path, &bytes, &size, &error);
    if (ok) {
        ok = list(bytes, size, points, &l, &error);
        munmap(bytes, size);
    }
    snprintf(message, message_size, "%s: %s", path, why);
    return ok;
}
