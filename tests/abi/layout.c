/* Emits what the compiler makes of the DDI headers into two sections: no code runs to produce them, so the
 * objects of two targets can be compared byte for byte. The list of names is generated from layout.expected.
 */
#include "layout.h"

#include "ddi/dispmprt.h"
#include "ddi/vmbuskernelmodeclientlibapi.h"
#include "ddi/wdf.h"
#include "ddi/wdm.h"

/* NOLINTBEGIN(bugprone-sizeof-expression,bugprone-macro-parentheses): sizes of pointers and bare names are
 * the point. */
#define NO_SIZE(type)
#define NO_FIELD(type, member)
#define NO_VALUE(name)
#define NO_BITS(type, shown, tag, member, width)

#define LAYOUT_SIZE(type) {#type, "", LAYOUT_KIND_SIZE, 0, sizeof(type), 0},
#define LAYOUT_FIELD(type, member)                                                                           \
    {#type, #member, LAYOUT_KIND_FIELD, offsetof(type, member), sizeof(((type *)0)->member), 0},
#define LAYOUT_VALUE(name) {#name, "", LAYOUT_KIND_VALUE, (uint32_t)(name), 0, 0},
#define LAYOUT_BITS NO_BITS
#define LAYOUT_GUID NO_VALUE
extern const struct layout_entry gpup_layout_entries[];
__attribute__((used, section(".layout"))) const struct layout_entry gpup_layout_entries[] = {
#include "layout_list.h"
};
#undef LAYOUT_SIZE
#undef LAYOUT_FIELD
#undef LAYOUT_VALUE
#undef LAYOUT_BITS

#define LAYOUT_SIZE NO_SIZE
#define LAYOUT_FIELD NO_FIELD
#define LAYOUT_VALUE NO_VALUE
#define LAYOUT_BITS(of, shown, tag, field, width)                                                            \
    struct {                                                                                                 \
        char type[64];                                                                                       \
        char member[64];                                                                                     \
        __typeof__(of) image;                                                                                \
        uint8_t zero[32 - sizeof(of)];                                                                       \
    } tag;
struct bits_table {
#include "layout_list.h"
};
#undef LAYOUT_BITS

#define LAYOUT_BITS(of, shown, tag, field, width)                                                            \
    .tag = {.type = #shown, .member = #field, .image = {.field = (uint32_t)((UINT64_C(1) << (width)) - 1)}},
extern const struct bits_table gpup_layout_bits;
__attribute__((used, section(".lbits"))) const struct bits_table gpup_layout_bits = {
#include "layout_list.h"
};

#define COUNT_ONE(...) +1
#undef LAYOUT_BITS
#define LAYOUT_BITS COUNT_ONE
_Static_assert(sizeof(struct bits_table) == sizeof(struct layout_bits) * (0
#include "layout_list.h"
                                                                          ),
               "bit images are not uniform records");
/* NOLINTEND(bugprone-sizeof-expression,bugprone-macro-parentheses) */
