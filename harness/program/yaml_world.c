/* The `world` of a YAML program. */
#include "yaml.h"
#include <string.h>

struct key {
    const char *expected;
    uint64_t low, high, multiple; /* multiple 0: any */
};

static bool read_number(struct gpup_yaml *yaml, struct fy_node *node, const struct key *key,
                        uint64_t *value) {
    size_t size = 0;
    bool negative = false;
    uint64_t number = 0;
    if (!node)
        return false;
    const char *text = gpup_yaml_scalar(node, &size);
    if (!text || !gpup_parse_number(text, size, &negative, &number) || negative || number < key->low ||
        number > key->high || (key->multiple && number % key->multiple)) {
        gpup_yaml_expected(yaml, node, key->expected);
        return false;
    }
    *value = number;
    return true;
}

/* Reads into a field of any width; leaves it when the key is missing or wrong. */
#define READ(target, node, expected, low, high, multiple)                                                    \
    do {                                                                                                     \
        uint64_t value = 0;                                                                                  \
        static const struct key key = {expected, low, high, multiple};                                       \
        if (read_number(yaml, node, &key, &value))                                                           \
            (target) = (__typeof__(target))value;                                                            \
    } while (0)

static void read_bool(struct gpup_yaml *yaml, struct fy_node *node, uint8_t *target) {
    size_t size = 0;
    struct gpup_value value = {0};
    if (!node)
        return;
    const char *text = gpup_yaml_scalar(node, &size);
    if (text && gpup_parse_value(GPUP_KIND_BOOL, false, text, size, &value))
        *target = (uint8_t)value.number;
    else
        gpup_yaml_expected(yaml, node, gpup_kind_info(GPUP_KIND_BOOL)->expected);
}

static void read_msix(struct gpup_yaml *yaml, struct fy_node *node, struct gpup_world_config *world) {
    static const char *const keys[] = {"entries", "bar", "offset", NULL};
    struct fy_node *found[3];
    if (!node)
        return;
    gpup_yaml_mapping(yaml, node, keys, found);
    READ(world->msix_entries, found[0], "a number from 1 to 2048", 1, 2048, 0);
    READ(world->msix_bar, found[1], "a 64-bit BAR: 0, 2 or 4", 0, 4, 2);
    READ(world->msix_offset, found[2], "a multiple of 8 below 1 MiB", 0, 0xFFFFF, 8);
}

static void read_page_size(struct gpup_yaml *yaml, struct fy_node *node, struct gpup_world_config *world) {
    uint32_t page = world->page_size;
    static const char expected[] = "4096, 65536 or 2097152";
    READ(page, node, expected, 4096, 2097152, 4096);
    if (page == 4096 || page == 65536 || page == 2097152)
        world->page_size = page;
    else
        gpup_yaml_expected(yaml, node, expected);
}

/* Single numbers are right; do they go together? `standard` says what would. */
static void check_together(struct gpup_yaml *yaml, struct fy_node *node, struct fy_node **found,
                           const struct gpup_world_config *given) {
    struct gpup_world_config world = *given;
    gpup_world_clamp(&world);
    if (world.partitions != given->partitions)
        gpup_yaml_error(yaml, found[2] ? found[2] : node,
                        "expected a power of two up to vfs (%u) as partitions, found %u", given->vfs,
                        given->partitions);
    if (world.vram_mib != given->vram_mib)
        gpup_yaml_error(yaml, found[7] ? found[7] : node,
                        "expected at least %u as vram_mib for %u vfs with pages of %u bytes, found %u",
                        world.vram_mib, given->vfs, given->page_size, given->vram_mib);
    else if (world.reserve_kib != given->reserve_kib)
        gpup_yaml_error(yaml, found[8] ? found[8] : node,
                        "expected whole pages that fit %u vfs as reserve_kib, e.g. %u, found %u", given->vfs,
                        world.reserve_kib, given->reserve_kib);
}

void gpup_yaml_world(struct gpup_yaml *yaml, struct fy_node *node) {
    static const char *const keys[] = {"hosts",     "vfs",        "partitions", "segments",    "msix",
                                       "page_size", "performant", "vram_mib",   "reserve_kib", "seed",
                                       "fill",      "preempt",    "one_system", "scatter",     "uneven",
                                       "reserved",  "untracked",  "bus",        NULL};
    struct fy_node *found[18];
    struct gpup_world_config *world = &yaml->program->world;
    gpup_yaml_mapping(yaml, node, keys, found);
    READ(world->hosts, found[0], "1 or 2", 1, GPUP_MAX_HOSTS, 0);
    READ(world->vfs, found[1], "a number from 1 to 64", 1, GPUP_MAX_VFS, 0);
    /* A smaller device than the default one need not say how many partitions it has. */
    if (!found[2] && world->partitions > world->vfs)
        gpup_world_clamp(world);
    READ(world->partitions, found[2], "a power of two from 1 to 64", 1, GPUP_MAX_VFS, 0);
    READ(world->segments, found[3], "a number from 1 to 4", 1, GPUP_MAX_SEGMENTS, 0);
    read_msix(yaml, found[4], world);
    read_page_size(yaml, found[5], world);
    read_bool(yaml, found[6], &world->performant);
    READ(world->vram_mib, found[7], "a number of MiB from 8 to 16384", 8, 16384, 0);
    READ(world->reserve_kib, found[8], "a number of KiB from 64 to 16777216", 64, 16777216, 0);
    READ(world->seed, found[9], "a number of 64 bits", 0, UINT64_MAX, 0);
    READ(world->fill, found[10], "a number from 0 to 3", 0, 3, 0);
    read_bool(yaml, found[11], &world->preempt);
    read_bool(yaml, found[13], &world->scatter);
    read_bool(yaml, found[14], &world->uneven);
    read_bool(yaml, found[15], &world->reserved);
    read_bool(yaml, found[16], &world->untracked);
    READ(world->bus, found[17], "a number from 0 to 255", 0, 255, 0);
    read_bool(yaml, found[12], &world->one_system);
    if (!yaml->failed)
        check_together(yaml, node, found, world);
}
