/*
 * __fastfail (INT 29h, the reason in RCX): what compilers and the WDK's headers put where a stack cookie, a
 * list entry or a guarded call is found damaged. In a kernel it is bug check KERNEL_SECURITY_CHECK_FAILURE,
 * and no exception handler is asked.
 */
#include "exception.h"

#define KERNEL_SECURITY_CHECK_FAILURE 0x139u

/* RSP is below the frame that failed, and aligned. */
void gpup_fastfail_landing(void) __attribute__((visibility("hidden")));
__asm__(".text\n.globl gpup_fastfail_landing\n.hidden gpup_fastfail_landing\n"
        ".type gpup_fastfail_landing,@function\ngpup_fastfail_landing:\n"
        "  xor %ebp, %ebp\n  call gpup_fastfail_landed\n  ud2\n"
        ".size gpup_fastfail_landing, .-gpup_fastfail_landing\n");

_Noreturn void gpup_fastfail_landed(void) __attribute__((visibility("hidden")));
_Noreturn void gpup_fastfail_landed(void) {
    gpup_os_bugcheck(gpup_os_current(), KERNEL_SECURITY_CHECK_FAILURE);
}

bool gpup_fastfail_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    const uint8_t *code = (const uint8_t *)pc; // NOLINT(performance-no-int-to-ptr)
    bool inside =
        pc - os->code_start < os->code_end - os->code_start || pc - os->unwinder.base < os->unwinder.size;

    if (info->si_code != SI_KERNEL || os->machine->in_emit || !inside || code[0] != 0xCD || code[1] != 0x29)
        return false;
    registers[REG_RSP] = (greg_t)(((uintptr_t)registers[REG_RSP] - 256) & ~(uintptr_t)15);
    registers[REG_RIP] = (greg_t)(uintptr_t)gpup_fastfail_landing;
    registers[REG_EFL] &= ~(greg_t)0x40500; /* direction, trap, alignment check */
    return true;
}
