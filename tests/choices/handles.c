/* Handles that are small numbers, the lowest that is free. */
#include "choices.h"
#define new_handle fresh_handle
HANDLE fresh_handle(struct adapter *a);
#include "../../harness/reference/adapter.c" /* NOLINT(bugprone-suspicious-include) */
#undef new_handle

#define NUMBERS 1024

static LONG volatile used[NUMBERS];

HANDLE new_handle(struct adapter *a) {
    for (ULONG i = 1; choice[CHOICE_handles] && i < NUMBERS; i++)
        if (InterlockedCompareExchange(&used[i], 1, 0) == 0)
            return (HANDLE)(ULONG_PTR)i;
    return fresh_handle(a);
}

void give_handle_back(HANDLE handle) {
    ULONG_PTR number = (ULONG_PTR)handle;

    if (number < NUMBERS)
        InterlockedExchange(&used[number], 0);
}
