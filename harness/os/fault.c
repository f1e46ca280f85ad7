/* Faults of driver code: the signal handler records what happened and lets the scheduler's context continue;
 * the fiber is never resumed. A fault anywhere else goes to whoever handled it before. */
#include "callers.h"
#include "exception.h"
#include "fiber.h"
#include "mmio.h"
#include "pool.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define NULL_PAGES 0x10000u /* where no memory ever is */
#define ALT_STACK ((size_t)64 * 1024)

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
#define SIGNALS (sizeof signals / sizeof *signals)

/* Of the process, like the handlers themselves. */
static struct sigaction previous[SIGNALS];
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local uint8_t alternate[ALT_STACK];

static void chain(int number, siginfo_t *info, void *context) {
    const struct sigaction *old = NULL;

    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] == number)
            old = &previous[i];
    if (old && (old->sa_flags & SA_SIGINFO))
        old->sa_sigaction(number, info, context);
    else if (old && old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(number);
    else
        signal(number, SIG_DFL); /* the instruction faults again */
}

/* Wherever RSP is: the stack of a kernel is there as a whole, and a large frame is probed before it is made.
 */
static bool on_guard_of_window(struct gpup_fiber *fiber, const siginfo_t *info) {
    return gpup_stack_grow(fiber->stack, info->si_addr);
}

/* --- a buffer that changes between two reads */

#define WATCH_TRAPS 20000u /* accesses that are followed; afterwards the buffer is plain memory */
#define TRAP_FLAG 0x100

static void shut(struct gpup_watch *watch, bool closed) {
    mprotect(watch->start, watch->size, closed ? PROT_NONE : PROT_READ | PROT_WRITE);
}

static bool is_prefix(uint8_t byte) {
    return byte == 0x66 || byte == 0xF2 || byte == 0xF3 || byte == 0x2E || byte == 0x36 || byte == 0x3E ||
           byte == 0x26 || byte == 0x64 || byte == 0x65;
}

/* Bytes that an SSE instruction with opcode 0F `code` moves, by its prefix. */
static unsigned vector_width(uint8_t prefix, uint8_t code) {
    switch (code) {
    case 0xB6: /* movzx, movsx of bytes and words */
    case 0xBE:
        return 1;
    case 0xB7:
    case 0xBF:
        return 2;
    case 0x7E:
    case 0x12:
    case 0x16:
    case 0xD6:
        return 8;
    default:
        return code == 0x10 && prefix == 0xF2 ? 8 : code == 0x10 && prefix == 0xF3 ? 4 : 16;
    }
}

/* How many bytes the instruction reads or writes in memory, as far as compilers and libraries use it to copy
 * and to look at data. */
static unsigned access_width(const uint8_t *code) {
    uint8_t prefix = 0;
    bool wide = false;

    for (; is_prefix(*code); code++)
        prefix = *code == 0xF2 || *code == 0xF3 || !prefix ? *code : prefix;
    if (*code == 0xC5)
        return code[1] & 4 ? 32 : 16;
    if (*code == 0xC4)
        return code[2] & 4 ? 32 : 16;
    if (*code == 0x62)
        return 64;
    for (; (*code & 0xF0) == 0x40; code++)
        wide = *code & 8;
    if (*code == 0x0F)
        return vector_width(prefix, code[1]);
    if (!(*code & 1) && *code != 0xC6) /* the even ones of the classic opcodes work on bytes */
        return 1;
    return wide ? 8 : prefix == 0x66 ? 2 : 4;
}

/* The instruction at hand touches the buffer: it is let through, alone. */
static bool watch_open(struct gpup_os *os, const uint8_t *address, greg_t *registers) {
    struct gpup_watch *watch = &os->machine->watch;
    const uint8_t *code;

    if (!watch->start || (size_t)(address - watch->start) >= watch->size)
        return false;
    shut(watch, false);
    code = (const uint8_t *)registers[REG_RIP]; // NOLINT(performance-no-int-to-ptr)
    watch->hit = !os->machine->in_emit && address < watch->target + watch->width &&
                 address + access_width(code) > watch->target;
    watch->stepping = true;
    registers[REG_EFL] |= TRAP_FLAG;
    return true;
}

/* It is done. */
static bool watch_close(struct gpup_os *os, greg_t *flags) {
    struct gpup_watch *watch = &os->machine->watch;

    if (!watch->stepping)
        return false;
    watch->stepping = false;
    *flags &= ~(greg_t)TRAP_FLAG;
    watch->reads += watch->hit;
    if (watch->hit && watch->reads == watch->after) {
        memcpy(watch->target, &watch->value, watch->width);
        watch->changed = true;
    }
    if (++watch->traps < WATCH_TRAPS)
        shut(watch, true);
    return true;
}

bool gpup_watch_begin(struct gpup_os *os, uint8_t *pages, size_t size, const struct gpup_watch *watch) {
    if (os->machine->watch.start)
        return false;
    os->machine->watch = *watch;
    os->machine->watch.start = pages;
    os->machine->watch.size = size;
    shut(&os->machine->watch, true);
    return true;
}

bool gpup_os_unwatch(struct gpup_os *os) {
    struct gpup_watch *watch = &os->machine->watch;
    struct gpup_event event = {.kind = GPUP_EVENT_CHANGED};

    if (!watch->start)
        return watch->changed;
    shut(watch, false);
    watch->start = NULL;
    event.f[GPUP_CHANGED_done] = watch->changed;
    event.f[GPUP_CHANGED_reads] = watch->reads;
    gpup_os_emit(os, &event);
    return watch->changed;
}

/* Breakpoints of the suite in an image: before a driver's own are looked at. */
static bool (*_Atomic breakpoint)(uintptr_t address);

void gpup_os_on_breakpoint(bool (*taken)(uintptr_t address)) {
    atomic_store(&breakpoint, taken);
    gpup_fault_install();
}

static bool on_breakpoint(int number, const siginfo_t *info, greg_t *registers) {
    bool (*taken)(uintptr_t) = atomic_load(&breakpoint);

    if (number != SIGTRAP || info->si_code != SI_KERNEL || !taken ||
        !taken((uintptr_t)registers[REG_RIP] - 1))
        return false;
    registers[REG_RIP]--;
    return true;
}

static void handler(int number, siginfo_t *info, void *context) {
    struct gpup_os *os = gpup_os_current();
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

    if (number == SIGSEGV && (registers[REG_ERR] & 2) && gpup_arena_written(info->si_addr))
        return;
    if (on_breakpoint(number, info, registers))
        return;
    if (!os || !os->machine->running || info->si_code == SI_USER || info->si_code == SI_TKILL) {
        chain(number, info, context);
        return;
    }
    if (number == SIGSEGV && info->si_code == SI_KERNEL && !os->machine->in_emit &&
        gpup_inlined_move(os, registers))
        return;
    gpup_mmio_faulted(registers);
    if (number == SIGSEGV && watch_open(os, info->si_addr, registers))
        return;
    if (number == SIGSEGV && (gpup_mmio_offer(os, info, context) || gpup_fastfail_offer(os, info, context) ||
                              gpup_privileged_offer(os, info, context)))
        return;
    if (number == SIGTRAP && watch_close(os, &registers[REG_EFL]))
        return;
    /* Also while an event is emitted: that happens on the stack of the driver, wherever it stands then. */
    if (number == SIGSEGV && on_guard_of_window(os->machine->running, info))
        return;
    if (os->machine->in_emit) {
        chain(number, info, context);
        return;
    }
    uintptr_t pc = (uintptr_t)registers[REG_RIP], sp = (uintptr_t)registers[REG_RSP];
    bool offered = gpup_exception_offer(os, number, info, context);
    os->machine->fault = (struct gpup_fault_record){.signal = number,
                                                    .code = info->si_code,
                                                    .address = (uintptr_t)info->si_addr,
                                                    .pc = pc,
                                                    .sp = sp,
                                                    .frame = (uintptr_t)registers[REG_RBP],
                                                    .error = (unsigned)registers[REG_ERR],
                                                    .pending = !offered};
    registers[REG_EFL] &= ~(greg_t)0x40500; /* direction, trap, alignment check */
    if (offered)
        return;
    registers[REG_RSP] = (greg_t)(uintptr_t)os->machine->scheduler_sp;
    registers[REG_RIP] = (greg_t)(uintptr_t)gpup_fiber_landing;
}

/* A large enough stack of someone else (a sanitizer's) is kept. */
static bool have_stack(void) {
    stack_t stack;

    if (!sigaltstack(NULL, &stack) && !(stack.ss_flags & SS_DISABLE) && stack.ss_size >= 16384)
        return true;
    stack = (stack_t){.ss_sp = alternate, .ss_size = sizeof alternate};
    return !sigaltstack(&stack, NULL);
}

static bool install_one(size_t i) {
    struct sigaction now, ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    ours.sa_sigaction = handler;
    sigemptyset(&ours.sa_mask);
    if (sigaction(signals[i], NULL, &now))
        return false;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handler)
        return true;
    previous[i] = now;
    return !sigaction(signals[i], &ours, NULL);
}

/* Handlers of anyone else leave the fibers' stacks alone: there is seldom room for the kernel's frame, and
 * what is the suite's alarm would seem a fault of the driver. */
static void move_to_stack(int number) {
    struct sigaction now;

    if (sigaction(number, NULL, &now) || now.sa_flags & SA_ONSTACK ||
        (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)))
        return;
    now.sa_flags |= SA_ONSTACK;
    sigaction(number, &now, NULL);
}

bool gpup_fault_install(void) {
    bool ok = have_stack();

    pthread_mutex_lock(&installing);
    for (size_t i = 0; i < SIGNALS; i++) /* test frameworks replace handlers: look each time */
        ok = install_one(i) && ok;
    for (int number = 1; number < _NSIG; number++)
        move_to_stack(number);
    pthread_mutex_unlock(&installing);
    return ok;
}

/* --- telling */

static unsigned access_cause(const struct gpup_fault_record *fault) {
    if (fault->error & 16)
        return GPUP_FAULT_EXECUTE;
    return fault->error & 2 ? GPUP_FAULT_WRITE : GPUP_FAULT_READ;
}

static unsigned cause_of(const struct gpup_fault_record *fault) {
    switch (fault->signal) {
    case SIGTRAP:
        return GPUP_FAULT_BREAKPOINT;
    case SIGILL:
        return GPUP_FAULT_ILLEGAL;
    case SIGFPE:
        return GPUP_FAULT_DIVIDE;
    default: /* a privileged instruction or a non-canonical address carries no page fault code */
        return fault->code == SI_KERNEL ? GPUP_FAULT_READ : access_cause(fault);
    }
}

static bool on_stack_guard(const struct gpup_fault_record *fault, const struct gpup_fiber *fiber) {
    uintptr_t base = (uintptr_t)fiber->stack->base;

    return fault->address - base < GPUP_PAGE || fault->sp - base < GPUP_PAGE;
}

void gpup_fault_report(struct gpup_os *os, const struct gpup_fiber *fiber) {
    struct gpup_event event = {.kind = GPUP_EVENT_FAULT, .fiber = fiber->id};
    const struct gpup_fault_record *fault = &os->machine->fault;
    unsigned cause = cause_of(fault);
    uint64_t object = 0, offset = 0;
    uint32_t tag = 0;
    bool memory = fault->signal == SIGSEGV || fault->signal == SIGBUS;
    struct gpup_places places = {0};
    uint64_t room[GPUP_PLACES_ROOM];
    const struct gpup_slot *slot;
    struct gpup_frame at = {.pc = fault->pc};

    at.registers[GPUP_SP] = fault->sp;
    at.registers[5] = fault->frame;
    places.instruction = gpup_callers_at(os, fiber, &at, &places.of[GPUP_CALLERS_HERE]);

    os->machine->speaker = fiber->id;
    gpup_os_unwatch(os);
    os->machine->speaker = 0;

    if (memory && on_stack_guard(fault, fiber))
        cause = GPUP_FAULT_STACK;
    else if (memory) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        enum gpup_place place = gpup_pool_place(os, (void *)fault->address, &object, &offset, &tag);

        slot = gpup_slot_near(os, (void *)fault->address); // NOLINT(performance-no-int-to-ptr)
        if (slot)
            places.of[GPUP_CALLERS_ALLOCATED] = slot->made;
        if (slot && !slot->live)
            places.of[GPUP_CALLERS_FREED] = slot->freed;
        if (place == GPUP_PLACE_GUARD)
            cause = GPUP_FAULT_GUARD;
        else if (place == GPUP_PLACE_FREED) {
            struct gpup_event damage = {.kind = GPUP_EVENT_POOL_DAMAGE};

            damage.f[GPUP_POOL_DAMAGE_object] = object;
            damage.f[GPUP_POOL_DAMAGE_what] = GPUP_DAMAGE_FREED;
            damage.f[GPUP_POOL_DAMAGE_offset] = offset;
            damage.f[GPUP_POOL_DAMAGE_tag] = tag;
            gpup_event_put_places(&damage, &places, room);
            gpup_os_emit(os, &damage);
        } else if (place == GPUP_PLACE_UNKNOWN && fault->address < NULL_PAGES)
            offset = fault->address; /* through a NULL pointer */
    }
    event.f[GPUP_FAULT_cause] = cause;
    event.f[GPUP_FAULT_routine] = fiber->routine;
    event.f[GPUP_FAULT_object] = object;
    event.f[GPUP_FAULT_offset] = offset;
    gpup_event_put_places(&event, &places, room);
    os->machine->speaker = fiber->id;
    gpup_os_emit(os, &event);
    os->machine->speaker = 0;
    os->machine->fault.pending = false;
}
