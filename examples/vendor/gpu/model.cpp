/*
 * The example GPU, simulated. The suite makes one for each host, in memory of its own, so that it can bring
 * back a state by copying bytes: a model has neither pointers of `new` nor a destructor.
 */
#include "model.h"
#include "registers.h"

#include <cstring>
#include <new>

namespace {

constexpr uint64_t bar_at = 0xE0000000;
constexpr uint32_t all_ones = 0xFFFFFFFF;

struct Entry { /* as PCI lays it out */
    uint32_t low, high, data, control;
};

struct Vf {
    uint32_t state, place;
    Entry table[GPU_MSIX_ENTRIES];
};

class Model {
  public:
    Model(uint32_t host, uint64_t seed) : bar(bar_at + ((seed + host) % 64 * 2 + host) * 0x10000) {
    }

    uint64_t bar;
    gpup_device_log log{};
    uint64_t changes = 1; /* grows when anything that can be observed may have changed */

    uint32_t read(uint64_t offset) const {
        const Vf &selected = vfs[select];
        const uint32_t registers[] = {selected.state, selected.place, 0,        entry,
                                      next.low,       next.high,      next.data};
        if (offset == REG_ID)
            return GPU_MAGIC;
        if (offset == REG_SELECT)
            return select;
        return offset >= REG_STATE && offset <= REG_DATA ? registers[(offset - REG_STATE) / 4] : 0;
    }

    void write(uint64_t offset, uint32_t value) {
        switch (offset) {
        case REG_SELECT:
            select = value % GPU_VFS;
            break;
        case REG_STATE:
            set_state(value & 1);
            break;
        case REG_PLACE:
            vfs[select].place = value;
            break;
        case REG_ENTRY:
            entry = value % GPU_MSIX_ENTRIES;
            break;
        case REG_LOW:
            next.low = value;
            break;
        case REG_HIGH:
            next.high = value;
            break;
        case REG_DATA:
            next.data = value;
            break;
        case REG_CONTROL:
            next.control = value;
            take_entry();
            break;
        default:
            break;
        }
    }

    const Vf *vf(uint32_t index) const {
        return index < GPU_VFS && vfs[index].state ? &vfs[index] : nullptr;
    }

  private:
    void set_state(uint32_t state) {
        Vf &selected = vfs[select];
        if (state && !selected.state) {
            selected = Vf{};
            for (Entry &one : selected.table)
                one.control = 1; /* masked */
        }
        selected.state = state;
        changes++;
    }

    void take_entry() {
        vfs[select].table[entry] = next;
        changes++;
        if (!log.table) /* the suite wants to know what reaches a table, word by word */
            return;
        const uint32_t words[] = {next.low, next.high, next.data, next.control};
        for (uint32_t i = 0; i < 4; i++)
            log.table(log.context, select, 0, entry * 16 + i * 4, 4, words[i], true);
    }

    uint32_t select = 0, entry = 0;
    Entry next{};
    Vf vfs[GPU_VFS]{};
};

Model &of(void *device) {
    return *static_cast<Model *>(device);
}

/* --- life --- */
void *create(const gpup_world_config *config, uint32_t host, const gpup_memory *memory) {
    void *place = memory->alloc(memory->context, sizeof(Model));
    return place ? new (place) Model(host, config->seed) : nullptr;
}

void attach(void *device, const gpup_device_log *log) {
    of(device).log = *log;
}

void describe(void *, gpup_device_shape *shape) {
    *shape = gpup_device_shape{};
    shape->vfs = GPU_VFS;
    shape->segments = 1;
    shape->segment[0].id = 1;
    shape->segment[0].local = true;
    shape->segment[0].size = static_cast<uint64_t>(GPU_VRAM_MIB) << 20;
    shape->msix_entries = GPU_MSIX_ENTRIES;
    shape->pba_offset = GPU_MSIX_PBA;
}

/* --- the bus --- */
bool bar(void *device, unsigned index, uint64_t *physical, uint64_t *size) {
    *physical = of(device).bar;
    *size = GPU_BAR_SIZE;
    return index == 0;
}

bool claims(void *device, uint64_t physical, uint64_t size) {
    uint64_t offset = physical - of(device).bar;
    return size && offset < GPU_BAR_SIZE && size <= GPU_BAR_SIZE - offset;
}

void report(Model &model, bool write, uint64_t offset, uint32_t width, uint64_t value) {
    if (model.log.mmio)
        model.log.mmio(model.log.context, write, GPUP_REGION_PF_BAR0, GPUP_PF, offset, width, value);
}

uint64_t bus_read(void *device, uint64_t physical, uint32_t width) {
    Model &model = of(device);
    uint64_t offset = physical - model.bar;
    if (!claims(device, physical, width))
        return UINT64_MAX;
    uint64_t value = width == 4 && offset % 4 == 0 ? model.read(offset) : 0;
    report(model, false, offset, width, value);
    return value;
}

void bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value) {
    Model &model = of(device);
    uint64_t offset = physical - model.bar;
    if (!claims(device, physical, width))
        return;
    report(model, true, offset, width, value);
    if (width == 4 && offset % 4 == 0)
        model.write(offset, static_cast<uint32_t>(value));
}

uint32_t config_read(void *device, uint32_t offset, uint32_t width) {
    uint32_t identity[] = {GPU_VENDOR | static_cast<uint32_t>(GPU_PF_DEVICE) << 16, 0x00000006, 0x03020001, 0,
                           static_cast<uint32_t>(of(device).bar)};
    uint32_t value = 0;
    if ((width != 1 && width != 2 && width != 4) || offset > 4096 - width)
        return all_ones;
    if (offset + width <= sizeof identity)
        std::memcpy(&value, reinterpret_cast<const char *>(identity) + offset, width);
    return value;
}

void config_write(void *, uint32_t, uint32_t, uint32_t) { /* everything in it is fixed */
}

/* --- what the suite may look at --- */
bool read_msix(void *device, uint32_t vf, uint8_t *entries) {
    const Vf *found = of(device).vf(vf);
    if (found)
        std::memcpy(entries, found->table, sizeof found->table);
    return found != nullptr;
}

uint64_t generation(void *device, uint32_t, uint32_t) {
    return of(device).changes;
}

gpup_device_ops table() {
    gpup_device_ops ops{};
    ops.size = sizeof ops;
    ops.version = GPUP_DEVICE_VERSION;
    ops.create = create;
    ops.attach = attach;
    ops.describe = describe;
    ops.bar = bar;
    ops.bus_read = bus_read;
    ops.bus_write = bus_write;
    ops.config_read = config_read;
    ops.config_write = config_write;
    ops.claims = claims;
    ops.read_msix = read_msix;
    ops.generation = generation;
    return ops;
}

} // namespace

const gpup_device_ops model_ops = table();
