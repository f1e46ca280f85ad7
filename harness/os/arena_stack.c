/* Fiber stacks of an arena: guarded, filled with a pattern, grown on demand. */
#include "arena_inside.h"
#include <emmintrin.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_WINDOW ((size_t)4 * 1024) /* small: each clean looks at all of it */
#define CALM_RUNS 64

static bool map_stack(struct gpup_arena *arena, struct gpup_stack *stack, uint8_t fill) {
    uint8_t *top = arena->base + gpup_arena_limit(arena);

    if (arena->mapped == MAX_STACKS ||
        gpup_arena_limit(arena) < STACK_SIZE + gpup_arena_round(arena->touched, GPUP_PAGE))
        return false;
    *stack =
        (struct gpup_stack){.base = top - STACK_SIZE, .top = top, .window = top - FIRST_WINDOW, .fill = fill};
    if (mprotect(stack->base, STACK_SIZE - FIRST_WINDOW, PROT_NONE))
        return false;
    memset(stack->window, fill, FIRST_WINDOW);
    arena->mapped++;
    return true;
}

struct gpup_stack *gpup_arena_stack(struct gpup_arena *arena, uint8_t fill) {
    struct gpup_stack *stack = &arena->stack[arena->stacks];

    if (arena->stacks == arena->mapped) {
        if (!map_stack(arena, stack, fill))
            return NULL;
    } else if (stack->fill != fill) {
        stack->fill = fill;
        memset(stack->window, fill, (size_t)(stack->top - stack->window));
    }
    arena->stacks++;
    return stack;
}

__attribute__((no_sanitize("address"))) size_t gpup_stack_used(const struct gpup_stack *stack) {
    __m128i pattern = _mm_set1_epi8((char)stack->fill);
    const __m128i *p = (const __m128i *)(const void *)stack->window;
    const __m128i *end = (const __m128i *)(const void *)stack->top;

    for (; p < end; p += 4) { /* windows are whole pages */
        __m128i a = _mm_and_si128(_mm_cmpeq_epi8(p[0], pattern), _mm_cmpeq_epi8(p[1], pattern));
        __m128i b = _mm_and_si128(_mm_cmpeq_epi8(p[2], pattern), _mm_cmpeq_epi8(p[3], pattern));

        if (_mm_movemask_epi8(_mm_and_si128(a, b)) != 0xFFFF)
            break;
    }
    return (size_t)((const uint8_t *)end - (const uint8_t *)p);
}

static void shrink(struct gpup_stack *stack) {
    uint8_t *window = stack->top - FIRST_WINDOW;

    if (!mprotect(stack->window, (size_t)(window - stack->window), PROT_NONE))
        stack->window = window;
    stack->calm = 0;
}

void gpup_stack_clean(struct gpup_stack *stack) {
    size_t used;

    if (!stack->dirty)
        return;
    gpup_unpoison(stack->window, (size_t)(stack->top - stack->window));
    used = gpup_stack_used(stack);
    memset(stack->top - used, stack->fill, used);
    stack->dirty = false;
    if (used > FIRST_WINDOW)
        stack->calm = 0;
    else if (stack->window < stack->top - FIRST_WINDOW && ++stack->calm == CALM_RUNS)
        shrink(stack);
}

bool gpup_stack_grow(struct gpup_stack *stack, const uint8_t *address) {
    size_t size = (size_t)(stack->top - stack->window);
    uint8_t *window;

    if (address < stack->base + GPUP_PAGE || address >= stack->window)
        return false;
    while (stack->top - size > address)
        size *= 2;
    window = stack->top - size;
    if (window < stack->base + GPUP_PAGE)
        window = stack->base + GPUP_PAGE;
    if (mprotect(window, (size_t)(stack->window - window), PROT_READ | PROT_WRITE))
        return false;
    memset(window, stack->fill, (size_t)(stack->window - window));
    stack->window = window;
    stack->calm = 0;
    return true;
}

void gpup_arena_forget_stack(struct gpup_stack *stack) {
    stack->live = NULL;
    gpup_stack_clean(stack);
}
