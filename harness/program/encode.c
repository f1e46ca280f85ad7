/* Binary form of a program: writing. */
#include "format.h"
#include <string.h>

struct encoder {
    const struct gpup_world_config *world;
    uint8_t *out;
    size_t capacity, size; /* size: as if there were room for all */
};

static void put(struct encoder *encoder, const void *bytes, size_t size) {
    if (encoder->size + size <= encoder->capacity)
        memcpy(encoder->out + encoder->size, bytes, size);
    encoder->size += size;
}

static void put_cell(struct encoder *encoder, unsigned first, uint32_t rest) {
    uint8_t cell[GPUP_FORMAT_CELL] = {(uint8_t)first, (uint8_t)rest, (uint8_t)(rest >> 8),
                                      (uint8_t)(rest >> 16)};
    put(encoder, cell, sizeof cell);
}

static unsigned symbol_index(const struct gpup_kind_info *kind, uint8_t symbol) {
    for (unsigned i = 0; i < kind->symbol_count; i++)
        if (kind->symbol[i] == symbol)
            return i;
    return 0;
}

static void put_field(struct encoder *encoder, unsigned field, unsigned kind, struct gpup_value value) {
    unsigned symbol = symbol_index(gpup_kind_info(kind), value.symbol);
    uint64_t number = value.number;
    if ((kind == GPUP_KIND_VF && number >= encoder->world->vfs) ||
        (kind == GPUP_KIND_HOST && number >= encoder->world->hosts))
        symbol = 1; /* exact */
    if (gpup_format_is_signed(kind, value.symbol))
        number = number << 1 ^ -(number >> 63);
    do {
        put_cell(encoder, field << 3 | symbol, (uint32_t)number & 0xFFFFFF);
        symbol = 0;
        number >>= 24;
    } while (number);
}

static void put_step(struct encoder *encoder, const struct gpup_step *given) {
    struct gpup_step step = *given;
    gpup_step_clamp(&step);
    const struct gpup_op_info *info = gpup_op_info(step.op);
    bool exact = step.vf >= encoder->world->vfs || step.host >= encoder->world->hosts;
    unsigned flags = step.host | (unsigned)step.class << 1 | (unsigned)exact << 3;
    put_cell(encoder, 0x80u | step.op, flags | (step.vf & 0xFFFF) << 8);
    if (step.vf >> 16)
        put_cell(encoder, 0x40, step.vf >> 16);
    for (unsigned i = 0; i < info->field_count; i++)
        if (step.f[i].symbol != GPUP_SYMBOL_NONE || step.f[i].number != info->field[i].value)
            put_field(encoder, i, info->field[i].kind, step.f[i]);
}

size_t gpup_program_encode(const struct gpup_program *program, uint8_t *out, size_t capacity) {
    uint8_t header[GPUP_FORMAT_HEADER];
    struct gpup_world_config world = program->world;
    gpup_world_clamp(&world);
    struct encoder encoder = {.world = &world, .out = out, .capacity = capacity};
    gpup_format_put_world(header, &world);
    put(&encoder, header, sizeof header);
    for (size_t i = 0; i < program->step_count && i < GPUP_PROGRAM_MAX_STEPS; i++)
        put_step(&encoder, &program->steps[i]);
    return encoder.size;
}
