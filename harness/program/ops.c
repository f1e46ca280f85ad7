/* Names, groups, fields and defaults of the operations, from ops.def. */
#include <gpup/program.h>
#include <string.h>

/* clang-format off */
static const struct gpup_op_info ops[GPUP_OPS] = {
#define OP(name, group) [GPUP_OP_##name] = {#name, GPUP_GROUP_##group, GPUP_##name##_FIELDS, {
#define FIELD(op, name, kind, value) [GPUP_##op##_##name] = {#name, GPUP_KIND_##kind, value},
#define END(name) }},
#include <gpup/ops.def>
#undef OP
#undef FIELD
#undef END
};

#define OP(name, group)
#define FIELD(op, name, kind, value)
#define END(name) _Static_assert((int)GPUP_##name##_FIELDS <= GPUP_STEP_FIELDS, "too many fields: " #name);
#include <gpup/ops.def>
#undef OP
#undef FIELD
#undef END
/* clang-format on */

const struct gpup_op_info *gpup_op_info(unsigned op) {
    return op < GPUP_OPS ? &ops[op] : NULL;
}

int gpup_op_find(const char *name) {
    for (int op = 0; op < GPUP_OPS; op++)
        if (strcmp(ops[op].name, name) == 0)
            return op;
    return -1;
}

const char *gpup_class_name(unsigned class) {
    static const char *const names[GPUP_CLASSES] = {"legal", "stated", "robustness", "policy"};
    return class < GPUP_CLASSES ? names[class] : NULL;
}
