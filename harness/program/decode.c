/* Binary form of a program: reading. Total: every byte string is a program. */
#include "format.h"
#include <string.h>

struct decoder {
    struct gpup_program *program;
    struct gpup_step step;
    bool open;                       /* a step was started */
    bool exact, wide;                /* of the vf; wide: its upper half was given */
    uint8_t cells[GPUP_STEP_FIELDS]; /* seen per field */
    bool exact_field[GPUP_STEP_FIELDS];
};

static uint32_t low24(const uint8_t *cell) {
    return cell[1] | (uint32_t)cell[2] << 8 | (uint32_t)cell[3] << 16;
}

static void finish_field(struct decoder *decoder, unsigned field, unsigned kind) {
    const struct gpup_world_config *world = &decoder->program->world;
    struct gpup_value *value = &decoder->step.f[field];
    if (gpup_format_is_signed(kind, value->symbol))
        value->number = value->number >> 1 ^ -(value->number & 1);
    if (kind == GPUP_KIND_VF && !decoder->exact_field[field])
        value->number %= world->vfs;
    if (kind == GPUP_KIND_HOST && !decoder->exact_field[field])
        value->number %= world->hosts;
}

/* False: no memory. A program that is full drops what follows. */
static bool finish_step(struct decoder *decoder) {
    struct gpup_step *step = &decoder->step;
    if (!decoder->open || decoder->program->step_count >= GPUP_PROGRAM_MAX_STEPS)
        return true;
    const struct gpup_op_info *info = gpup_op_info(step->op);
    for (unsigned i = 0; i < info->field_count; i++)
        if (decoder->cells[i])
            finish_field(decoder, i, info->field[i].kind);
    if (!decoder->exact) {
        step->vf = (uint16_t)step->vf % decoder->program->world.vfs;
        step->host %= decoder->program->world.hosts;
    }
    gpup_step_clamp(step);
    return gpup_program_append(decoder->program, step);
}

static void start_step(struct decoder *decoder, const uint8_t *cell) {
    struct gpup_program *program = decoder->program;
    *decoder = (struct decoder){.program = program, .open = true, .exact = cell[1] >> 3 & 1};
    gpup_step_defaults(&decoder->step, cell[0] & 0x7F);
    decoder->step.host = cell[1] & 1;
    decoder->step.class = cell[1] >> 1 & 3;
    decoder->step.vf = cell[2] | (uint32_t)cell[3] << 8;
}

static void number_cell(struct decoder *decoder, const uint8_t *cell) {
    struct gpup_step *step = &decoder->step;
    const struct gpup_op_info *info = gpup_op_info(step->op);
    if (info->field_count == 0)
        return;
    unsigned field = (cell[0] >> 3 & 7) % info->field_count, seen = decoder->cells[field];
    const struct gpup_kind_info *kind = gpup_kind_info(info->field[field].kind);
    if (seen >= GPUP_FORMAT_NUMBER_CELLS)
        return;
    if (seen == 0) {
        step->f[field].number = 0;
        step->f[field].symbol = kind->symbol[(cell[0] & 7) % kind->symbol_count];
        decoder->exact_field[field] = (cell[0] & 7) != 0;
    }
    step->f[field].number |= (uint64_t)low24(cell) << (24 * seen);
    decoder->cells[field]++;
}

static bool decode_cell(struct decoder *decoder, const uint8_t *cell) {
    if (cell[0] & 0x80) {
        if (!finish_step(decoder))
            return false;
        start_step(decoder, cell);
    } else if (decoder->open && (cell[0] & 0x40)) {
        if (!decoder->wide)
            decoder->step.vf |= (uint32_t)(cell[1] | cell[2] << 8) << 16;
        decoder->wide = true;
    } else if (decoder->open) {
        number_cell(decoder, cell);
    }
    return true;
}

bool gpup_program_decode(const void *bytes, size_t size, struct gpup_program *out) {
    struct decoder decoder = {.program = out};
    uint8_t piece[GPUP_FORMAT_HEADER] = {0};
    size_t header = size < sizeof piece ? size : sizeof piece;
    *out = (struct gpup_program){0};
    if (header)
        memcpy(piece, bytes, header);
    gpup_format_get_world(piece, &out->world);
    bool memory = true;
    for (size_t at = header; memory && at < size; at += GPUP_FORMAT_CELL) {
        uint8_t cell[GPUP_FORMAT_CELL] = {0};
        memcpy(cell, (const uint8_t *)bytes + at, size - at < sizeof cell ? size - at : sizeof cell);
        memory = decode_cell(&decoder, cell);
    }
    memory = memory && finish_step(&decoder);
    if (!memory)
        gpup_program_free(out);
    return memory;
}
