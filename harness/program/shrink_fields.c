/* Shrinker: simpler values in single steps, and lower numbers of hosts and virtual functions in all of them.
 */
#include "shrink.h"

static bool try_value(struct gpup_shrink *shrink, struct gpup_value *value, struct gpup_value simpler) {
    struct gpup_value before = *value;
    if (gpup_value_equal(before, simpler))
        return false;
    *value = simpler;
    if (gpup_shrink_ask(shrink))
        return true;
    *value = before;
    return false;
}

/* The smallest magnitude that still keeps, by halving; then ones below it. */
static void lower_number(struct gpup_shrink *shrink, struct gpup_value *value, bool is_signed) {
    uint64_t low = 0;
    bool negative = is_signed && value->number >> 63;
    while (!(negative && value->number == 0)) {
        uint64_t magnitude = negative ? -value->number : value->number;
        if (magnitude <= low)
            return;
        uint64_t middle = low + (magnitude - low) / 2;
        struct gpup_value simpler = {value->symbol, negative ? -middle : middle};
        if (!try_value(shrink, value, simpler))
            low = middle + 1;
    }
}

static bool is_default(const struct gpup_op_info *info, unsigned field, const struct gpup_value *value) {
    return value->symbol == GPUP_SYMBOL_NONE && value->number == info->field[field].value;
}

static void simplify_field(struct gpup_shrink *shrink, struct gpup_step *step, unsigned field) {
    const struct gpup_op_info *info = gpup_op_info(step->op);
    struct gpup_value *value = &step->f[field];
    struct gpup_value standard = {.number = info->field[field].value};
    if (is_default(info, field, value) || try_value(shrink, value, standard))
        return;
    /* A symbol is worth more to a reader than a number, so only the distance from it is lowered. */
    if (value->number == 0 || try_value(shrink, value, (struct gpup_value){.symbol = value->symbol}))
        return;
    lower_number(shrink, value,
                 value->symbol != GPUP_SYMBOL_NONE || info->field[field].kind == GPUP_KIND_INDEX);
}

static void drop_symbol(struct gpup_shrink *shrink, struct gpup_value *value) {
    if (value->symbol != GPUP_SYMBOL_NONE)
        try_value(shrink, value, (struct gpup_value){0});
}

static void swap_number(unsigned kind, struct gpup_value *value, unsigned which, uint64_t a, uint64_t b) {
    if (kind == which && value->number == a)
        value->number = b;
    else if (kind == which && value->number == b)
        value->number = a;
}

/* Every mention of a host (or vf) a becomes b and the other way round; doing it twice undoes it. */
static void swap_all(struct gpup_program *program, unsigned which, uint32_t a, uint32_t b) {
    for (size_t i = 0; i < program->step_count; i++) {
        struct gpup_step *step = &program->steps[i];
        const struct gpup_op_info *info = gpup_op_info(step->op);
        struct gpup_value own = {.number = which == GPUP_KIND_VF ? step->vf : step->host};
        swap_number(which, &own, which, a, b);
        if (which == GPUP_KIND_VF)
            step->vf = (uint32_t)own.number;
        else
            step->host = (uint8_t)own.number;
        for (unsigned field = 0; field < info->field_count; field++)
            swap_number(info->field[field].kind, &step->f[field], which, a, b);
    }
}

static bool mentions(const struct gpup_program *program, unsigned which, uint32_t number) {
    for (size_t i = 0; i < program->step_count; i++)
        if ((which == GPUP_KIND_VF ? program->steps[i].vf : program->steps[i].host) == number)
            return true;
    return false;
}

static void rename_down(struct gpup_shrink *shrink, unsigned which, uint32_t count) {
    for (uint32_t high = count - 1; high > 0; high--) {
        uint32_t low = 0;
        while (low < high && mentions(shrink->program, which, low))
            low++;
        if (low == high || !mentions(shrink->program, which, high))
            continue;
        swap_all(shrink->program, which, high, low);
        if (!gpup_shrink_ask(shrink))
            swap_all(shrink->program, which, high, low);
    }
}

static void simplify_place(struct gpup_shrink *shrink, struct gpup_step *step) {
    uint32_t vf = step->vf;
    uint8_t host = step->host, class = step->class;
    step->vf = 0;
    if (vf && !gpup_shrink_ask(shrink))
        step->vf = vf;
    step->host = 0;
    if (host && !gpup_shrink_ask(shrink))
        step->host = host;
    step->class = GPUP_LEGAL;
    if (class && !gpup_shrink_ask(shrink))
        step->class = class;
}

void gpup_shrink_fields(struct gpup_shrink *shrink) {
    rename_down(shrink, GPUP_KIND_HOST, GPUP_MAX_HOSTS);
    rename_down(shrink, GPUP_KIND_VF, GPUP_MAX_VFS);
    for (size_t i = 0; i < shrink->program->step_count; i++) {
        struct gpup_step *step = &shrink->program->steps[i];
        const struct gpup_op_info *info = gpup_op_info(step->op);
        simplify_place(shrink, step);
        for (unsigned field = 0; field < info->field_count; field++) {
            drop_symbol(shrink, &step->f[field]);
            simplify_field(shrink, step, field);
        }
    }
}
