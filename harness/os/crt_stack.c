/* __chkstk: compilers call it where a frame is larger than a page, with its size in RAX, before they make it.
 * Each page of the frame is touched in order, so that the guard page below a stack is met and never jumped
 * over. Every register is kept. */
__asm__(".text\n"
        ".globl gpup_crt_chkstk\n.hidden gpup_crt_chkstk\n.type gpup_crt_chkstk,@function\n"
        "gpup_crt_chkstk:\n"
        "  push %r11\n  push %rax\n"
        "  lea 24(%rsp), %r11\n" /* RSP of the caller */
        "1: cmp $0x1000, %rax\n  jbe 2f\n"
        "  sub $0x1000, %r11\n  orl $0, (%r11)\n"
        "  sub $0x1000, %rax\n  jmp 1b\n"
        "2: sub %rax, %r11\n  orl $0, (%r11)\n"
        "  pop %rax\n  pop %r11\n  ret\n"
        ".size gpup_crt_chkstk, .-gpup_crt_chkstk\n");
