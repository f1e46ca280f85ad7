/* Binding a framework driver: the table of functions, and its globals. */
#include "kmdf.h"
#include "services.h"

#include <ddi/wdf_bind.h>
#include <stdio.h>

#define FUNCTIONS 512 /* more than any version has */

/* --- the entries of the table: without the globals the arguments are those of the page */

#define ENTRY(symbol, body)                                                                                  \
    __asm__(".text\n.p2align 4\n.globl " symbol "\n.hidden " symbol "\n.type " symbol ",@function\n" symbol  \
            ":\n" body ".size " symbol ", .-" symbol "\n.section .note.GNU-stack,\"\",@progbits\n.text\n");
#define FUNCTION(number, name)                                                                               \
    ENTRY("gpup_wdf_" #name,                                                                                 \
          "  mov %rdx, %rcx\n  mov %r8, %rdx\n  mov %r9, %r8\n  mov 0x28(%rsp), %r9\n  mov " #name           \
          "@GOTPCREL(%rip), %rax\n  jmp *%rax\n")
/* Six: the last three are moved on the stack, under a frame that call stacks and exceptions can leave. */
#define WIDE(number, name)                                                                                   \
    ENTRY("gpup_wdf_" #name,                                                                                 \
          "  push %rbp\n  mov %rsp, %rbp\n  sub $0x30, %rsp\n  mov 0x38(%rbp), %rax\n"                       \
          "  mov %rax, 0x20(%rsp)\n  mov 0x40(%rbp), %rax\n  mov %rax, 0x28(%rsp)\n"                         \
          "  mov %rdx, %rcx\n  mov %r8, %rdx\n  mov %r9, %r8\n  mov 0x30(%rbp), %r9\n  call *" #name         \
          "@GOTPCREL(%rip)\n  leave\n  ret\n")
#include "wdf_functions.def"
#undef FUNCTION
#undef WIDE

/* One of 16 bytes for each number. */
ENTRY("gpup_wdf_unknown", ".set number, 0\n.rept 512\n  .p2align 4, 0xCC\n  mov $number, %ecx\n"
                          "  jmp gpup_wdf_beyond\n  .set number, number + 1\n.endr\n")
extern const uint8_t gpup_wdf_unknown[];

VOID DDI_CALL gpup_wdf_beyond(uint32_t number);
const char *gpup_wdf_name(uint32_t number) {
    static const char *const names[] = {
#define NAME(name) #name,
#include "wdf_names.def"
#undef NAME
    };

    return number < sizeof names / sizeof *names ? names[number] : "a function";
}

VOID DDI_CALL gpup_wdf_beyond(uint32_t number) {
    char name[96];

    snprintf(name, sizeof name, "wdf01000.sys!%s, function %u of its table", gpup_wdf_name(number), number);
    gpup_os_unsupported(name);
    __builtin_trap();
}

#define FUNCTION(number, name) VOID DDI_CALL gpup_wdf_##name(VOID);
#define WIDE(number, name) FUNCTION(number, name)
#include "wdf_functions.def"
#undef FUNCTION
#undef WIDE

static WDFFUNC function_at(unsigned number) {
    const uint8_t *unknown = gpup_wdf_unknown + (size_t)16 * number;
    WDFFUNC function;

    switch (number) {
#define FUNCTION(n, name)                                                                                    \
    case n:                                                                                                  \
        return gpup_wdf_##name;
#define WIDE(number, name) FUNCTION(number, name)
#include "wdf_functions.def"
#undef FUNCTION
#undef WIDE
    default:
        memcpy(&function, &unknown, sizeof function);
        return function;
    }
}

/* --- of a host */

struct bound {
    WDFFUNC table[FUNCTIONS];
    GPUP_WDF_DRIVER_GLOBALS globals;
    bool is;
};

static struct bound *bound_of(struct gpup_os *os) {
    struct bound *bound = os->machine->wdf;

    if (bound)
        return bound;
    os->machine->wdf = bound = gpup_os_alloc(os, sizeof *bound);
    for (unsigned i = 0; bound && i < FUNCTIONS; i++)
        bound->table[i] = function_at(i);
    return bound;
}

void gpup_wdf_named(struct gpup_os *os, PVOID driver, ULONG tag) {
    struct bound *bound = os->machine->wdf;

    if (!bound || !bound->is)
        return;
    bound->globals.Driver = driver;
    if (tag)
        bound->globals.DriverTag = tag;
}

NTSTATUS DDI_CALL WdfVersionBind(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath,
                                 GPUP_WDF_BIND_INFO *BindInfo, GPUP_WDF_DRIVER_GLOBALS **ComponentGlobals) {
    struct gpup_os *os = gpup_os_service("WdfVersionBind", PASSIVE_LEVEL);
    struct bound *bound;

    (void)DriverObject;
    (void)RegistryPath;
    if (!BindInfo || !ComponentGlobals || !BindInfo->FuncTable || BindInfo->FuncCount > FUNCTIONS)
        return STATUS_INVALID_PARAMETER;
    *ComponentGlobals = NULL;
    bound = os ? bound_of(os) : NULL;
    if (!bound || gpup_os_fails(os))
        return STATUS_INSUFFICIENT_RESOURCES;
    bound->globals = (GPUP_WDF_DRIVER_GLOBALS){.DriverTag = 0x72447846}; /* FxDr, until it has a name */
    bound->is = true;
    *ComponentGlobals = &bound->globals;
    if (BindInfo->FuncCount <= GPUP_WDF_COPIED_FUNCTIONS)
        memcpy(BindInfo->FuncTable, bound->table, BindInfo->FuncCount * sizeof *bound->table);
    else
        *(WDFFUNC **)(void *)BindInfo->FuncTable = bound->table;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL WdfVersionUnbind(PUNICODE_STRING RegistryPath, GPUP_WDF_BIND_INFO *BindInfo,
                                   GPUP_WDF_DRIVER_GLOBALS *ComponentGlobals) {
    struct gpup_os *os = gpup_os_service("WdfVersionUnbind", PASSIVE_LEVEL);
    struct bound *bound = os ? os->machine->wdf : NULL;

    (void)RegistryPath;
    if (!BindInfo || !ComponentGlobals)
        return STATUS_UNSUCCESSFUL;
    if (!bound || !bound->is || ComponentGlobals != &bound->globals)
        gpup_os_misuse(os, "WdfVersionUnbind", GPUP_MISUSE_OBJECT, 0);
    else
        bound->is = false;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL WdfVersionBindClass(GPUP_WDF_BIND_INFO *BindInfo,
                                      GPUP_WDF_DRIVER_GLOBALS **ComponentGlobals, PVOID ClassBindInfo) {
    (void)BindInfo;
    (void)ComponentGlobals;
    (void)ClassBindInfo;
    gpup_os_unsupported("wdfldr.sys!WdfVersionBindClass");
    return STATUS_NOT_SUPPORTED;
}

VOID DDI_CALL WdfVersionUnbindClass(GPUP_WDF_BIND_INFO *BindInfo, GPUP_WDF_DRIVER_GLOBALS *ComponentGlobals,
                                    PVOID ClassBindInfo) {
    (void)BindInfo;
    (void)ComponentGlobals;
    (void)ClassBindInfo;
    gpup_os_unsupported("wdfldr.sys!WdfVersionUnbindClass");
}
