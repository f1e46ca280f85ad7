/* What the form of a driver costs: a judged call of the image beside the native one, and instructions that
 * the suite carries out for a driver. */
#include "bench.h"

#include <gpup/os.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- the reference driver in both forms: the same steps in turn */

struct side {
    struct gpup_binding binding;
    struct gpup_judge *judge;
    struct gpup_world *world;
};

static void close_side(struct side *side) {
    if (side->world) {
        gpup_world_free(side->world);
        gpup_binding_close(&side->binding);
    }
    gpup_judge_free(side->judge);
}

/* In the tree that this program was built in; an installed one has no image. */
static bool find_image(char *path, size_t size) {
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    char *slash = NULL;
    if (length > 0) {
        own[length] = 0;
        slash = strrchr(own, '/');
    }
    if (!slash)
        return false;
    *slash = 0;
    return (size_t)snprintf(path, size, "%s/harness/reference/reference.sys", own) < size &&
           !access(path, R_OK);
}

static void measure_forms(const char *image) {
    struct side native = {.judge = gpup_judge_new()}, other = {.judge = gpup_judge_new()};
    struct gpup_step step;
    double times[2][BENCH_ROUNDS];
    if (native.judge && other.judge &&
        bench_open_started(&native.binding, "reference", native.judge, &native.world) &&
        bench_open_started(&other.binding, image, other.judge, &other.world)) {
        bench_step(&step);
        for (unsigned i = 0; i < BENCH_ROUNDS; i++) {
            times[0][i] = bench_judged_ns(native.world, &step);
            times[1][i] = bench_judged_ns(other.world, &step);
        }
        double a = bench_median(times[0], BENCH_ROUNDS), b = bench_median(times[1], BENCH_ROUNDS);
        bench_print("form_native_call_judged", a, "ns");
        bench_print("form_image_call_judged", b, "ns");
        bench_print("form_image_over_native", b / a, "ratio");
    }
    close_side(&native);
    close_side(&other);
}

/* --- traps: a routine that makes many of them */

#define REGISTERS 0x40000000u
static uint8_t device[4096];

static bool claims(void *context, uint64_t physical, uint64_t size) {
    (void)context;
    return physical >= REGISTERS && physical - REGISTERS + size <= sizeof device;
}

static uint64_t bus_read(void *context, uint64_t physical, uint32_t width) {
    uint64_t value = 0;
    (void)context;
    memcpy(&value, &device[physical - REGISTERS], width);
    return value;
}

static void bus_write(void *context, uint64_t physical, uint32_t width, uint64_t value) {
    (void)context;
    memcpy(&device[physical - REGISTERS], &value, width);
}

static const struct gpup_device_ops plain_device = {
    .size = sizeof plain_device, .claims = claims, .bus_read = bus_read, .bus_write = bus_write};

static uint64_t DDI_CALL read_irqls(uint64_t count) {
    uint64_t value = 0;
    while (count--)
        __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

static uint64_t DDI_CALL write_registers(uint64_t count) {
    PHYSICAL_ADDRESS where = {.QuadPart = REGISTERS};
    volatile ULONG *r = MmMapIoSpace(where, sizeof device, MmNonCached);
    while (r && count--)
        r[3] = (ULONG)count;
    MmUnmapIoSpace((PVOID)(uintptr_t)r, sizeof device);
    return r != NULL;
}

/* Of this thread: a trap is short, and the machine may be busy. */
static double cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double trap_us(struct gpup_os *os, uint64_t(DDI_CALL *routine)(uint64_t)) {
    struct gpup_os_call call = {.function = (void *)routine, .args = {BENCH_CALLS}, .count = 1};
    double start = cpu_us();
    if (gpup_os_call(os, &call) != GPUP_RAN_RETURNED)
        return -1;
    return (cpu_us() - start) / BENCH_CALLS;
}

static void measure_traps(void) {
    struct gpup_arena *arena = gpup_arena_new((size_t)64 << 20);
    struct gpup_os_config config = {.arena = arena, .device_ops = &plain_device, .seed = 1, .fill = 0xA5};
    struct gpup_os *os = arena ? gpup_os_new(&config) : NULL;
    double times[2][BENCH_ROUNDS];
    if (os) {
        gpup_os_set_code(os, (uintptr_t)write_registers, (uintptr_t)write_registers,
                         (uintptr_t)write_registers + 4096);
        for (unsigned i = 0; i < BENCH_ROUNDS; i++) {
            times[0][i] = trap_us(os, read_irqls);
            times[1][i] = trap_us(os, write_registers);
        }
        bench_print("trap_cr8", bench_median(times[0], BENCH_ROUNDS), "us");
        bench_print("trap_register_store", bench_median(times[1], BENCH_ROUNDS), "us");
    }
    gpup_arena_free(arena);
}

void bench_image(void) {
    char path[PATH_MAX + 64];
    if (find_image(path, sizeof path))
        measure_forms(path);
    measure_traps();
}
