/*
 * One entry address for every callback of every adapter.
 *
 * Each stub notes which callback of which adapter's table was called and goes on to the shared function, so
 * that a driver that mixes up the tables of two adapters shows, and callbacks that are not played need no
 * function each.
 */
#include "dxgkrnl_stubs.h"

#include <stddef.h>

/* Written by a stub, read at once by the function it enters: nothing runs between. */
_Thread_local uint32_t gpup_dxgkrnl_stub_number __attribute__((visibility("hidden")));

#define STUB_SIZE 32u
#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

/* RAX is neither an argument nor preserved in the x64 convention. */
__asm__(".pushsection .text\n"
        ".p2align 5\n"
        ".hidden gpup_dxgkrnl_stubs\n"
        ".globl gpup_dxgkrnl_stubs\n"
        ".type gpup_dxgkrnl_stubs, @function\n"
        "gpup_dxgkrnl_stubs:\n"
        ".set gpup_stub, 0\n"
        ".rept " NUMBER(GPUP_DXGKRNL_ADAPTERS) " * " NUMBER(
            GPUP_DXGKRNL_SLOTS) "\n"
                                ".p2align 5\n"
                                "movq gpup_dxgkrnl_stub_number@gottpoff(%rip), %rax\n"
                                "movl $gpup_stub, %fs:(%rax)\n"
                                "leaq gpup_dxgkrnl_functions(%rip), %rax\n"
                                "jmp *8 * (gpup_stub % " NUMBER(
                                    GPUP_DXGKRNL_SLOTS) ")(%rax)\n"
                                                        ".set gpup_stub, gpup_stub + 1\n"
                                                        ".endr\n"
                                                        ".size gpup_dxgkrnl_stubs, . - gpup_dxgkrnl_stubs\n"
                                                        ".popsection\n");

extern const char gpup_dxgkrnl_stubs[];

void *gpup_dxgkrnl_stub(uint32_t adapter, uint32_t slot) {
    uint32_t number = adapter * GPUP_DXGKRNL_SLOTS + slot;
    return (void *)(uintptr_t)(gpup_dxgkrnl_stubs + (size_t)number * STUB_SIZE);
}

struct gpup_dxgkrnl_entry gpup_dxgkrnl_entered(void) {
    return (struct gpup_dxgkrnl_entry){.slot = gpup_dxgkrnl_stub_number % GPUP_DXGKRNL_SLOTS,
                                       .adapter = gpup_dxgkrnl_stub_number / GPUP_DXGKRNL_SLOTS};
}
