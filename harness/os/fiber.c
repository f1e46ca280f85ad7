/* Fibers: context switch for x86-64 System V. Saved are the callee-saved registers, MXCSR and the x87 control
 * word; a service with the Microsoft convention has saved XMM6-15 itself before it gets here. */
#include "fiber.h"
#include "asan.h"
#include "locks.h"

void gpup_fiber_switch(void **save, void *to);
void gpup_fiber_entry(void);
void gpup_fiber_on_stack(void (*function)(void *, void *), void *a, void *b, void *sp);

/* gpup_fiber_landing is reached from a signal handler: the x87 stack and the direction flag may be in any
 * state. */
__asm__(".text\n"
        ".globl gpup_fiber_switch\n.hidden gpup_fiber_switch\n.type gpup_fiber_switch,@function\n"
        "gpup_fiber_switch:\n"
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  sub $8, %rsp\n  stmxcsr (%rsp)\n  fnstcw 4(%rsp)\n"
        "  mov %rsp, (%rdi)\n"
        "  mov %rsi, %rsp\n"
        "1:\n"
        "  ldmxcsr (%rsp)\n  fldcw 4(%rsp)\n  add $8, %rsp\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
        "  ret\n"
        ".size gpup_fiber_switch, .-gpup_fiber_switch\n"
        ".globl gpup_fiber_landing\n.hidden gpup_fiber_landing\n.type gpup_fiber_landing,@function\n"
        "gpup_fiber_landing:\n"
        "  cld\n  fninit\n  jmp 1b\n"
        ".size gpup_fiber_landing, .-gpup_fiber_landing\n"
        ".globl gpup_fiber_entry\n.hidden gpup_fiber_entry\n.type gpup_fiber_entry,@function\n"
        "gpup_fiber_entry:\n"
        "  mov %r12, %rdi\n  call *%r13\n  ud2\n"
        ".size gpup_fiber_entry, .-gpup_fiber_entry\n"
        ".globl gpup_fiber_on_stack\n.hidden gpup_fiber_on_stack\n.type gpup_fiber_on_stack,@function\n"
        "gpup_fiber_on_stack:\n"
        "  push %rbp\n  mov %rsp, %rbp\n"
        "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n"
        "  mov %rcx, %rsp\n  call *%rax\n"
        "  mov %rbp, %rsp\n  pop %rbp\n  ret\n"
        ".size gpup_fiber_on_stack, .-gpup_fiber_on_stack\n"
        ".section .note.GNU-stack,\"\",@progbits\n.text\n");

typedef uint64_t(DDI_CALL *routine_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                       uint64_t);

static size_t stack_size(const struct gpup_stack *stack) {
    return (size_t)(stack->top - stack->base) - GPUP_PAGE;
}

/* The address sanitizer must know which stack is current. */
static void announce_fiber(struct gpup_fiber *fiber, void **scheduler_fake) {
#ifdef GPUP_ASAN
    __sanitizer_start_switch_fiber(scheduler_fake, fiber->stack->base + GPUP_PAGE, stack_size(fiber->stack));
#else
    (void)fiber;
    (void)scheduler_fake;
    (void)stack_size;
#endif
}

static void arrived_in_fiber(struct gpup_os *os, struct gpup_fiber *fiber) {
#ifdef GPUP_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &os->machine->scheduler_bottom,
                                    &os->machine->scheduler_size);
#else
    (void)os;
    (void)fiber;
#endif
}

static void announce_scheduler(struct gpup_os *os, struct gpup_fiber *fiber, bool for_good) {
#ifdef GPUP_ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &fiber->fake_stack, os->machine->scheduler_bottom,
                                   os->machine->scheduler_size);
#else
    (void)os;
    (void)fiber;
    (void)for_good;
#endif
}

/* First frame of every fiber. */
static void fiber_main(struct gpup_fiber *fiber) {
    struct gpup_os *os = gpup_os_current();
    const uint64_t *a = fiber->args;

    arrived_in_fiber(os, fiber);
    fiber->result = ((routine_fn)fiber->function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    gpup_os_end_fiber(os);
}

static void lay_first_frame(struct gpup_os *os, struct gpup_fiber *fiber) {
    uint64_t *sp = (uint64_t *)(void *)(fiber->stack->top - 80);

    sp[0] = 0x1f80u | (uint64_t)0x037f << 32; /* MXCSR, x87 control word */
    sp[1] = sp[2] = 0;                        /* r15, r14 */
    sp[3] = (uint64_t)(uintptr_t)fiber_main;  /* r13 */
    sp[4] = (uint64_t)(uintptr_t)fiber;       /* r12 */
    sp[5] = sp[6] = 0;                        /* rbx; rbp 0 ends the chain of frames */
    sp[7] = (uint64_t)(uintptr_t)gpup_fiber_entry;
    fiber->sp = sp;
    fiber->stack->dirty = true;
    fiber->stack->live = (uint8_t *)sp; /* a snapshot may come before it runs */
    os->machine->begun += fiber->routine != GPUP_ROUTINE_THREAD;
    os->machine->stacked++;
    os->machine->begun_ns = os->machine->now;
}

static struct gpup_fiber *take(struct gpup_fiber **list) {
    struct gpup_fiber *fiber = *list;

    if (fiber)
        *list = fiber->queue;
    return fiber;
}

static void put(struct gpup_fiber **list, struct gpup_fiber *fiber) {
    fiber->queue = *list;
    *list = fiber;
}

static struct gpup_fiber *fresh(struct gpup_os *os) {
    struct gpup_machine *machine = os->machine;
    struct gpup_fiber *fiber = take(&machine->bare);

    if (fiber)
        return fiber;
    fiber = gpup_os_alloc(os, sizeof *fiber);
    if (!fiber)
        return take(&machine->idle);
    fiber->next = machine->fibers;
    machine->fibers = fiber;
    return fiber;
}

bool gpup_fiber_give_stack(struct gpup_os *os, struct gpup_fiber *fiber) {
    struct gpup_fiber *other = take(&os->machine->idle);

    if (other) {
        fiber->stack = other->stack;
        other->stack = NULL;
        put(&os->machine->bare, other);
    } else {
        fiber->stack = gpup_arena_stack(os->config.arena, os->config.fill);
    }
    if (fiber->stack)
        lay_first_frame(os, fiber);
    return fiber->stack;
}

struct gpup_fiber *gpup_fiber_prepare(struct gpup_os *os, const struct gpup_start *start) {
    bool refused = start->routine == GPUP_ROUTINE_THREAD && os->machine->stacked >= MOST_THREADS;
    struct gpup_fiber *fiber = refused ? NULL : fresh(os);

    if (!fiber)
        return NULL;
    fiber->os = os;
    fiber->routine = (uint8_t)start->routine;
    fiber->irql = start->irql;
    fiber->function = start->function;
    memcpy(fiber->args, start->args, sizeof fiber->args);
    fiber->begin = start->begin;
    fiber->done = start->done;
    fiber->done_context = start->done_context;
    fiber->id = ++os->machine->next_fiber ? os->machine->next_fiber : ++os->machine->next_fiber;
    fiber->locks = fiber->regions = 0;
    fiber->held_count = 0;
    fiber->held_lost = false;
    fiber->place = 0;
    fiber->step = start->step;
    fiber->name = start->name;
    fiber->alone = start->alone;
    fiber->result = 0;
    fiber->thread = NULL;
    fiber->objects = NULL;
    fiber->spin = NULL;
    fiber->fake_stack = NULL;
    fiber->activations = NULL;
    fiber->slice = os->machine->now;
    fiber->state = GPUP_FIBER_READY;
    if (fiber->stack) {
        lay_first_frame(os, fiber);
    } else if (fiber->routine == GPUP_ROUTINE_THREAD && !gpup_fiber_give_stack(os, fiber)) {
        fiber->state = GPUP_FIBER_IDLE;
        put(&os->machine->bare, fiber);
        return NULL;
    }
    return fiber;
}

void gpup_fiber_retire(struct gpup_os *os, struct gpup_fiber *fiber) {
    gpup_lock_forget(os, fiber->stack->window, (size_t)(fiber->stack->top - fiber->stack->window));
    fiber->stack->live = NULL;
    gpup_stack_clean(fiber->stack);
    fiber->state = GPUP_FIBER_IDLE;
    put(&os->machine->idle, fiber);
    os->machine->begun -= fiber->routine != GPUP_ROUTINE_THREAD;
    os->machine->stacked--;
}

void gpup_fiber_enter(struct gpup_os *os, struct gpup_fiber *fiber) {
    struct gpup_os *before = gpup_os_make_current(os);
    void *fake = NULL;

    fiber->state = GPUP_FIBER_RUNNING;
    fiber->dispatched = os->machine->now;
    gpup_processor_enter(fiber);
    os->machine->running = fiber;
    announce_fiber(fiber, &fake);
    gpup_fiber_switch(&os->machine->scheduler_sp, fiber->sp);
#ifdef GPUP_ASAN
    if (os->machine->fault.pending) /* no one announced this switch */
        __sanitizer_start_switch_fiber(NULL, os->machine->scheduler_bottom, os->machine->scheduler_size);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
    os->machine->running = NULL;
    gpup_os_make_current(before);
    fiber->stack->live = (uint8_t *)fiber->sp;
}

void gpup_fiber_leave(struct gpup_os *os) {
    struct gpup_fiber *fiber = os->machine->running;

    announce_scheduler(os, fiber, false);
    gpup_fiber_switch(&fiber->sp, os->machine->scheduler_sp);
    arrived_in_fiber(os, fiber);
}

_Noreturn void gpup_fiber_leave_for_good(struct gpup_os *os) {
    struct gpup_fiber *fiber = os->machine->running;

    announce_scheduler(os, fiber, true);
    gpup_fiber_switch(&fiber->sp, os->machine->scheduler_sp);
    __builtin_unreachable();
}

void gpup_fiber_call_outside(struct gpup_os *os, void (*function)(void *a, void *b), void *a, void *b) {
    /* below the scheduler's saved frame and its red zone */
    uintptr_t sp = ((uintptr_t)os->machine->scheduler_sp - 256) & ~(uintptr_t)15;

    gpup_fiber_on_stack(function, a, b, (void *)sp); // NOLINT(performance-no-int-to-ptr)
}
