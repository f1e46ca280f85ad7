/*
 * A driver image as Microsoft's tools lay one out: stack cookies, guarded calls with their tables in the load
 * configuration, probed frames, INIT code that is discarded, PAGE code, list checks that fail fast. What the
 * WDK links statically (bufferoverflowfastfailk.lib) is here in a few lines.
 */
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>

#define INIT __attribute__((noinline, section("INIT")))
#define PAGE __attribute__((noinline, section("PAGE")))
#define FAST_FAIL_CORRUPT_LIST_ENTRY 3
#define FAST_FAIL_STACK_COOKIE_CHECK_FAILURE 2
#define COOKIE_DEFAULT 0x00002B992DDFA232

DRIVER_INITIALIZE DriverEntry;
VOID guarded(UINT64 *out);
VOID large_frame(UINT64 *out);
VOID cookie_holds(UINT64 *out);
VOID cookie_fails(UINT64 *out);
VOID list_fails(UINT64 *out);
VOID list_fails_in_try(UINT64 *out);
VOID initial(UINT64 *out);
VOID paged(UINT64 *out);

/* --- what the WDK's library has */

UINT64 __security_cookie = COOKIE_DEFAULT;

static __attribute__((noreturn)) void fast_fail(UINT64 code) {
    __asm__ volatile("int $0x29" : : "c"(code));
    __builtin_unreachable();
}

void __security_check_cookie(UINT64 cookie);
void __security_check_cookie(UINT64 cookie) {
    if (cookie != __security_cookie || cookie >> 48)
        fast_fail(FAST_FAIL_STACK_COOKIE_CHECK_FAILURE);
}

void guard_check(void);
void guard_dispatch(void);
__asm__(".text\n.globl guard_check\nguard_check: ret\n.globl guard_dispatch\nguard_dispatch: jmp *%rax\n");
void (*const __guard_check_icall_fptr)(void) = guard_check;
void (*const __guard_dispatch_icall_fptr)(void) = guard_dispatch;

extern char __guard_fids_table[], __guard_fids_count[], __guard_flags[];
struct load_config { /* IMAGE_LOAD_CONFIG_DIRECTORY64, as far as GuardFlags */
    UINT32 Size, Unused[21];
    PVOID SecurityCookie;
    UINT64 Handlers[2];
    const PVOID GuardCFCheckFunctionPointer, GuardCFDispatchFunctionPointer, GuardCFFunctionTable;
    const PVOID GuardCFFunctionCount;
    UINT32 GuardFlags, Rest;
};
extern const struct load_config _load_config_used;
__asm__(".section .rdata,\"dr\"\n.p2align 4\n.globl _load_config_used\n_load_config_used:\n"
        ".long 152\n.zero 84\n.quad __security_cookie\n.zero 16\n.quad __guard_check_icall_fptr\n"
        ".quad __guard_dispatch_icall_fptr\n.quad __guard_fids_table\n.quad __guard_fids_count\n"
        ".long __guard_flags\n.long 0\n.text\n");

/* --- calls through tables */

static UINT64 one(UINT64 value) {
    return value + 1;
}
static UINT64 two(UINT64 value) {
    return value * 2;
}
static UINT64 (*volatile table[])(UINT64) = {one, two};

VOID guarded(UINT64 *out) {
    out[0] = table[0](10) + table[1](100);
    out[1] = _load_config_used.GuardFlags;
    out[2] = (UINT64)_load_config_used.GuardCFFunctionCount;
    out[3] = *(UINT64 *)_load_config_used.SecurityCookie;
}

/* --- frames */

VOID large_frame(UINT64 *out) {
    volatile UCHAR room[20000];
    for (ULONG i = 0; i < sizeof room; i += 1000)
        room[i] = (UCHAR)i;
    out[0] = room[3000];
}

static __attribute__((noinline)) void fill(UCHAR *at, ULONG size) {
    for (volatile ULONG i = 0; i < size; i++)
        at[i] = 0x41;
}

VOID cookie_holds(UINT64 *out) {
    UCHAR text[24];
    fill(text, sizeof text);
    out[0] = text[23];
}

VOID cookie_fails(UINT64 *out) {
    UCHAR text[24];
    out[0] = 1;
    fill(text, sizeof text + 8);
    out[0] = text[23] + 1u;
}

/* --- lists, as the WDK's headers check them */

static void remove(const LIST_ENTRY *entry) {
    LIST_ENTRY *next = entry->Flink, *before = entry->Blink;
    if (next->Blink != entry || before->Flink != entry)
        fast_fail(FAST_FAIL_CORRUPT_LIST_ENTRY);
    before->Flink = next;
    next->Blink = before;
}

static LIST_ENTRY head, entry;
VOID list_fails(UINT64 *out) {
    head.Flink = head.Blink = &entry;
    entry.Flink = entry.Blink = &head;
    out[0] = 1;
    remove(&entry);
    out[0] = 2;
    remove(&entry); /* is not in it any more */
    out[0] = 3;
}

static __attribute__((noinline)) int take(UINT64 *out) {
    __try {
        list_fails(out);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        out[0] = 4;
    }
    return 0;
}
VOID list_fails_in_try(UINT64 *out) {
    take(out);
}

/* --- sections */

static volatile UINT64 started = 5;
INIT static UINT64 at_first(void) {
    return started * 2;
}
VOID initial(UINT64 *out) {
    out[0] = 1;
    out[0] = at_first();
}

PAGE VOID paged(UINT64 *out) {
    out[0] = started;
}

/* The tables' first function calls what is gone by then. */
static NTSTATUS DDI_CALL add_device(PDEVICE_OBJECT device, PVOID *context) {
    (void)device;
    *context = &head;
    return at_first() == 10 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

INIT NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    DRIVER_INITIALIZATION_DATA data;
    RtlZeroMemory(&data, sizeof data);
    data.Version = DXGKDDI_INTERFACE_VERSION_WIN8;
    data.DxgkDdiAddDevice = add_device;
    return at_first() == 10 ? DxgkInitialize(driver, path, &data) : STATUS_UNSUCCESSFUL;
}
