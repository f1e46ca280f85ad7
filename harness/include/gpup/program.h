/*
 * Program: a world and a list of steps. One typed form, from which everything else follows.
 *
 *   YAML text  <->  struct gpup_program  <->  canonical bytes          (round trips are exact)
 *   any bytes   ->  struct gpup_program  (total: never refused)        decode, encode, decode = decode
 *   struct gpup_program -> C source (a CMocka test that links the library and the implementation), output
 * only
 *
 * A value is `symbol + number`: symbols name what only the run knows (the size a Save asked for, the number
 * of MSI-X entries), so that a step keeps its meaning when others around it go. In YAML: `need-1`, `count`,
 * `0x10`, `null`.
 *
 * Programs are plain data without pointers except the step array, which gpup_program_free releases. Functions
 * are pure; no threads, no globals. Library gpup_program links libc only; what reads YAML
 * (gpup_program_load, gpup_program_parse) is in gpup_program_yaml, which needs libfyaml.
 *
 * YAML: keys title, area, world, steps. A step is `Name` or `Name: {host: 1, vf: 2, field: value, class:
 * stated}`. Whatever holds its default is left out when printed: host 0, vf 0, class legal, the field's
 * default, each part of the default world. Numbers are decimal or hex.
 */
#ifndef GPUP_PROGRAM_H
#define GPUP_PROGRAM_H

#include <gpup/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GPUP_STEP_FIELDS 8
#define GPUP_PROGRAM_MAX_STEPS 4096
#define GPUP_MAX_VFS 64
#define GPUP_MAX_HOSTS 2
#define GPUP_MAX_SEGMENTS 4

enum gpup_op {
#define OP(name, group) GPUP_OP_##name,
#define FIELD(op, name, kind, value)
#define END(name)
#include <gpup/ops.def>
#undef OP
#undef FIELD
#undef END
    GPUP_OPS
};
enum gpup_op_group {
    GPUP_GROUP_call,
    GPUP_GROUP_host,
    GPUP_GROUP_guest,
    GPUP_GROUP_device,
    GPUP_GROUP_fault,
    GPUP_GROUP_blob,
    GPUP_GROUP_time
};

/* Index of a field in gpup_step.f: step->f[GPUP_WriteVirtualizedInterrupt_index]. */
#define OP(name, group) enum gpup_op_fields_##name {
#define FIELD(op, name, kind, value) GPUP_##op##_##name,
#define END(name)                                                                                            \
    GPUP_##name##_FIELDS                                                                                     \
    }                                                                                                        \
    ;
#include <gpup/ops.def>
#undef OP
#undef FIELD
#undef END

enum gpup_field_kind {
    GPUP_KIND_BOOL, /* false, true */
    GPUP_KIND_U8,   /* number of 8, 32, 64 bits */
    GPUP_KIND_U32,
    GPUP_KIND_U64,
    GPUP_KIND_COUNT, /* number; symbols: `count` (partitions, resp. MSI-X entries, resp. pages: as the op
                        reads it) */
    GPUP_KIND_INDEX, /* signed 16-bit index; symbols: `last`, `count` */
    GPUP_KIND_SIZE, /* bytes; symbols: `need` (what the implementation asked for or the structure has), `blob`
                     */
    GPUP_KIND_HANDLE, /* slot number; symbols: `null`, `invalid` (-1), `stale` (destroyed), `foreign` (other
                         vf's) */
    GPUP_KIND_SLOT,   /* 0..7 */
    GPUP_KIND_BLOB,   /* 0..15, shared by both hosts */
    GPUP_KIND_BUFFER, /* null, exact, unaligned, read_only (enum gpup_buffer) */
    GPUP_KIND_ORDER,  /* ascending, descending, shuffled (enum gpup_order) */
    GPUP_KIND_PATCH,  /* set, add, xor (enum gpup_patch) */
    GPUP_KIND_MIGRATION, /* source, target; other numbers allowed */
    GPUP_KIND_POWER,     /* D0, D1, D2, D3; other numbers allowed */
    GPUP_KIND_HOST,      /* 0..1 */
    GPUP_KIND_VF,        /* 0..63, or any number for a negative step */
    GPUP_KINDS
};
enum gpup_buffer { GPUP_BUFFER_NULL, GPUP_BUFFER_EXACT, GPUP_BUFFER_UNALIGNED, GPUP_BUFFER_READ_ONLY };
enum gpup_order { GPUP_ORDER_ASCENDING, GPUP_ORDER_DESCENDING, GPUP_ORDER_SHUFFLED };
enum gpup_patch { GPUP_PATCH_SET, GPUP_PATCH_ADD, GPUP_PATCH_XOR };

enum gpup_symbol {
    GPUP_SYMBOL_NONE,
    GPUP_SYMBOL_COUNT,
    GPUP_SYMBOL_LAST,
    GPUP_SYMBOL_NEED,
    GPUP_SYMBOL_BLOB,
    GPUP_SYMBOL_NULL,
    GPUP_SYMBOL_INVALID,
    GPUP_SYMBOL_STALE,
    GPUP_SYMBOL_FOREIGN,
    GPUP_SYMBOLS
};

struct gpup_value {
    uint8_t symbol;  /* enum gpup_symbol, one that the field's kind allows */
    uint64_t number; /* added to the symbol, modulo 2^64; signed after a symbol and for INDEX */
};

struct gpup_step {
    uint16_t op;  /* enum gpup_op */
    uint8_t host; /* 0..1 */
#ifdef __cplusplus
    uint8_t class_; /* `class` is a keyword there */
#else
    uint8_t class; /* enum gpup_class: the step's own mark */
#endif
    uint32_t vf;                           /* 0..63; other numbers only make sense on a negative step */
    struct gpup_value f[GPUP_STEP_FIELDS]; /* fields past those of the op are zero */
};

/* What world the program asks for. A direct-table implementation with a device of its own may have another
 * shape; the trace says which. All fields are within the stated bounds after decoding.
 * Defaults: 1 host, 4 VFs, 4 partitions, 1 segment, 16 MSI-X entries in BAR 4 at 0x2000, pages of 4096 bytes,
 * performant, 256 MiB of VRAM, 1024 KiB of reserve, seed 1, fill 0, run to completion, machines apart. The
 * reserves of all VFs fit the VRAM however they are spread: reserve <= VRAM of all segments / (vfs +
 * segments). */
struct gpup_world_config {
    uint8_t hosts;         /* 1..2 */
    uint8_t vfs;           /* 1..64 the device has */
    uint8_t partitions;    /* 1..vfs, power of two: what SetGpuPartitionCount is given at start */
    uint8_t segments;      /* 1..4 VRAM segments */
    uint16_t msix_entries; /* 1..2048 per VF */
    uint8_t msix_bar;      /* 0, 2 or 4 */
    uint32_t msix_offset;  /* bytes, multiple of 8, below 1 MiB */
    uint32_t page_size;    /* dirty plane: 4096, 65536 or 2097152 */
    uint8_t performant;    /* dirty tracking is cheap: may run from creation */
    uint32_t vram_mib;     /* 8..16384 per segment, sparse */
    uint32_t reserve_kib;  /* 64..16777216 per VF, page_size multiple */
    uint64_t seed;         /* addresses, schedule, cookies */
    uint8_t fill;          /* 0..3: pattern of fresh pool and stack */
    uint8_t preempt;       /* 0 run to completion; 1 the seed switches fibers at services, locks, registers */
    uint8_t scatter;       /* the VRAM of a vGPU may be scattered, and over all segments */
    uint8_t uneven; /* segments differ: each is larger than the one before, only the first has dirty pages of
                       page_size (4096 the others), the last has no dirty plane */
    uint8_t reserved;  /* MSI-X entries come out of a reset with some reserved control bits set */
    uint8_t untracked; /* the GPU has no dirty planes at all */
    uint8_t bus; /* 0..255, of the PF: device 0, function 0 on bus 0, else device 1, function 2; the PF of
                    host 1 is on the next one */
    uint8_t one_system; /* 1: host 1 is a second adapter of the same loaded driver on the same machine */
};

struct gpup_program {
    char title[120]; /* UTF-8, one line; not in the binary form */
    char area[16];   /* e.g. MSIX; not in the binary form */
    struct gpup_world_config world;
    struct gpup_step *steps;
    size_t step_count;
};

struct gpup_op_info {
    const char *name;
    uint8_t group, field_count;
    struct {
        const char *name;
        uint8_t kind;
        uint64_t value; /* default */
    } field[GPUP_STEP_FIELDS];
};
const struct gpup_op_info *gpup_op_info(unsigned op); /* NULL when out of range */
int gpup_op_find(const char *name);                   /* -1 unknown */
const char *gpup_class_name(unsigned step_class);     /* `legal`, ...; NULL when out of range */

void gpup_world_defaults(struct gpup_world_config *config);
void gpup_world_clamp(
    struct gpup_world_config *config); /* into the bounds above; a second time changes nothing */
void gpup_step_defaults(struct gpup_step *step, unsigned op); /* op modulo GPUP_OPS; host 0, vf 0, legal */
void gpup_step_clamp(struct gpup_step *step);                 /* every number into what its kind allows */
void gpup_program_free(struct gpup_program *program);
bool gpup_program_append(struct gpup_program *program,
                         const struct gpup_step *step); /* false: full or no memory */

/* Binary form (harness/program/format.h): a header of 24 bytes, then cells of 4 bytes, each at a fixed place,
 * so that a changed byte stays in its step. Decode: any bytes, `out` needs no preparation and is freed with
 * gpup_program_free; false only when memory is out. A host or vf that the world does not have is taken modulo
 * what it has, unless the step says it means it. Encode: the needed size; writes if capacity suffices (out
 * may be NULL with 0); one program has one encoding. Title and area are not in it. */
bool gpup_program_decode(const void *bytes, size_t size, struct gpup_program *out);
size_t gpup_program_encode(const struct gpup_program *program, uint8_t *out, size_t capacity);

/* One step as its YAML line, e.g. `- WriteVirtualizedInterrupt: {vf: 1, index: last, address: 0xfee00010}`.
 */
int gpup_step_print(const struct gpup_step *step, char *out, size_t capacity); /* like snprintf */

/* YAML. Load: 0, or -1 with all errors in `*errors` (may be NULL; else the caller frees it, and it is NULL
 * after success): `name:line:col: error: expected ..., found ...`, the line, a caret. `out` needs no
 * preparation; free it with gpup_program_free. Parse: any bytes; `name` stands in the messages. */
int gpup_program_load(const char *path, struct gpup_program *out, char **errors);
int gpup_program_parse(const char *text, size_t size, const char *name, struct gpup_program *out,
                       char **errors);
char *gpup_program_print(const struct gpup_program *program); /* malloc'ed YAML, NULL no memory */
/* C source of a stand-alone CMocka test, which calls gpup_world_run_and_judge (world.h) on
 * gpup_implementation(); malloc'ed, NULL no memory. implementation: its name, for the message. */
char *gpup_program_emit_c(const struct gpup_program *program, const char *implementation);

/* Shrinker: removes steps, lowers and defaults hosts, vfs and fields, and makes the world plainer while
 * `keeps(context, candidate)` is true; classes are left as they are. The candidate is valid during the call
 * only. Deterministic; what is left in `program` was kept. Returns tries made, at most max_tries; 0 also when
 * memory is out. */
size_t gpup_program_shrink(struct gpup_program *program,
                           bool (*keeps)(void *context, const struct gpup_program *), void *context,
                           size_t max_tries);

#ifdef __cplusplus
}
#endif

#endif
