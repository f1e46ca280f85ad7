/* The world's header of a binary program. */
#include "format.h"

struct part {
    uint8_t at, size;
};

static void put(uint8_t *out, struct part part, uint64_t value) {
    for (unsigned i = 0; i < part.size; i++)
        out[part.at + i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *in, struct part part) {
    uint64_t value = 0;
    for (unsigned i = 0; i < part.size; i++)
        value |= (uint64_t)in[part.at + i] << (8 * i);
    return value;
}

static const struct part flags = {0, 1}, shape = {1, 1}, vfs = {2, 1}, entries = {3, 2}, offset = {5, 3},
                         vram = {8, 2}, reserve = {10, 4}, seed = {14, 8}, kind = {22, 1}, bus = {23, 1};

static unsigned log2_of(unsigned value) {
    unsigned result = 0;
    while (value >>= 1)
        result++;
    return result;
}

static void put_plain(uint8_t *out, const struct gpup_world_config *world) {
    unsigned page = world->page_size == 4096 ? 0 : world->page_size == 65536 ? 1 : 2;
    put(out, flags,
        (world->hosts - 1u) | (unsigned)world->performant << 1 | (unsigned)world->preempt << 2 |
            (unsigned)world->fill << 3 | (world->segments - 1u) << 5 | (unsigned)world->one_system << 7);
    put(out, shape, page | (unsigned)world->msix_bar / 2 << 2 | log2_of(world->partitions) << 4);
    put(out, vfs, world->vfs - 1u);
    put(out, entries, world->msix_entries - 1u);
    put(out, offset, world->msix_offset / 8);
    put(out, vram, world->vram_mib - 8);
    put(out, reserve, world->reserve_kib);
    put(out, seed, world->seed);
    put(out, kind,
        world->scatter | (unsigned)world->uneven << 1 | (unsigned)world->reserved << 2 |
            (unsigned)world->untracked << 3);
    put(out, bus, world->bus);
}

static void default_header(uint8_t out[GPUP_FORMAT_HEADER]) {
    struct gpup_world_config world;
    gpup_world_defaults(&world);
    for (unsigned i = 0; i < GPUP_FORMAT_HEADER; i++)
        out[i] = 0;
    put_plain(out, &world);
}

void gpup_format_put_world(uint8_t out[GPUP_FORMAT_HEADER], const struct gpup_world_config *world) {
    struct gpup_world_config clamped = *world;
    uint8_t zero[GPUP_FORMAT_HEADER];
    gpup_world_clamp(&clamped);
    default_header(zero);
    for (unsigned i = 0; i < GPUP_FORMAT_HEADER; i++)
        out[i] = 0;
    put_plain(out, &clamped);
    for (unsigned i = 0; i < GPUP_FORMAT_HEADER; i++)
        out[i] ^= zero[i];
}

void gpup_format_get_world(const uint8_t in[GPUP_FORMAT_HEADER], struct gpup_world_config *world) {
    static const uint32_t pages[] = {4096, 65536, 2097152, 4096};
    uint8_t plain[GPUP_FORMAT_HEADER];
    default_header(plain);
    for (unsigned i = 0; i < GPUP_FORMAT_HEADER; i++)
        plain[i] ^= in[i];
    unsigned bits = (unsigned)get(plain, flags), more = (unsigned)get(plain, shape);
    *world = (struct gpup_world_config){
        .hosts = (uint8_t)(1 + (bits & 1)),
        .performant = bits >> 1 & 1,
        .preempt = bits >> 2 & 1,
        .fill = bits >> 3 & 3,
        .segments = (uint8_t)(1 + (bits >> 5 & 3)),
        .one_system = bits >> 7 & 1,
        .page_size = pages[more & 3],
        .msix_bar = (uint8_t)((more >> 2 & 3) % 3 * 2),
        .partitions = (uint8_t)(1u << (more >> 4 & 7) % 7),
        .vfs = (uint8_t)(1 + get(plain, vfs) % GPUP_MAX_VFS),
        .msix_entries = (uint16_t)(1 + get(plain, entries) % 2048),
        .msix_offset = (uint32_t)(get(plain, offset) % (1u << 17) * 8),
        .vram_mib = (uint32_t)(8 + get(plain, vram) % (16384 - 8 + 1)),
        .reserve_kib = (uint32_t)get(plain, reserve),
        .seed = get(plain, seed),
        .scatter = get(plain, kind) & 1,
        .uneven = get(plain, kind) >> 1 & 1,
        .reserved = get(plain, kind) >> 2 & 1,
        .untracked = get(plain, kind) >> 3 & 1,
        .bus = (uint8_t)get(plain, bus),
    };
    gpup_world_clamp(world);
}
