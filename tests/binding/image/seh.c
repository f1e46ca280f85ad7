/*
 * Structured exception handling as drivers use it. Each export gives 0, or the line that found something else
 * than it should be. clang 14 lets only faults in a called function reach the scopes of the caller, so they
 * are made in one.
 */
#include "seh.h"

volatile UINT64 zero;
static char order[16]; /* what ran, as letters */
static ULONG at;

APART void note(char letter) {
    if (at < sizeof order - 1)
        order[at++] = letter;
}

void forget(void) {
    at = 0;
    RtlZeroMemory(order, sizeof order);
}

int same(const char *expected) {
    ULONG i = 0;
    while (expected[i] && order[i] == expected[i])
        i++;
    return !expected[i] && !order[i];
}

static APART void raise(NTSTATUS status) {
    if (!zero)
        ExRaiseStatus(status);
}

static APART UINT64 read(volatile UINT64 *p) {
    return *p;
}

static APART void write(volatile UINT64 *p) {
    *p = 7;
}

static APART int divide(int by, int what) {
    int result;
    __asm__ volatile("cltd\n\tidivl %2" : "=a"(result) : "a"(what), "r"(by) : "edx");
    return result;
}

static APART void stop_here(void) {
    __asm__ volatile("int3\n\tnop");
}

static APART void illegal(void) {
    __asm__ volatile("ud2");
}

/* --- __except */

EXPORT(a_status) {
    volatile int after = 0;
    NTSTATUS code = 0;
    (void)room;
    __try {
        raise(ODD);
        after = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    MUST(code == ODD && !after);
    return 0;
}

static int only(NTSTATUS wanted, NTSTATUS code) {
    note(code == wanted ? 'y' : 'n');
    return code == wanted ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

static APART int inner(NTSTATUS status) {
    __try {
        raise(status);
    } __except (only(STATUS_NO_MEMORY, GetExceptionCode())) {
        note('i');
        return 1;
    }
    return 0;
}

EXPORT(filters_choose) {
    volatile int result = 0;
    (void)room;
    forget();
    __try {
        result = inner(STATUS_NO_MEMORY);
    } __except (only(ODD, GetExceptionCode())) {
        result = 2;
    }
    MUST(result == 1 && same("yi"));
    forget();
    __try {
        result = inner(ODD);
    } __except (only(ODD, GetExceptionCode())) {
        note('o');
        result = 2;
    }
    MUST(result == 2 && same("nyo"));
    return 0;
}

static int look(const EXCEPTION_POINTERS *p, UINT64 *room) {
    room[0] = (ULONG)p->ExceptionRecord->ExceptionCode;
    room[1] = p->ExceptionRecord->NumberParameters;
    room[2] = p->ExceptionRecord->ExceptionInformation[0];
    room[3] = p->ExceptionRecord->ExceptionInformation[1];
    room[4] = (UINT64)p->ExceptionRecord->ExceptionAddress == p->ContextRecord->Rip;
    room[5] = p->ExceptionRecord->ExceptionFlags;
    return EXCEPTION_EXECUTE_HANDLER;
}

#define TRY(what)                                                                                            \
    __try {                                                                                                  \
        what;                                                                                                \
        return __LINE__;                                                                                     \
    } __except (look(GetExceptionInformation(), room)) {                                                     \
        if ((ULONG)GetExceptionCode() != (ULONG)room[0])                                                     \
            return __LINE__;                                                                                 \
    }

EXPORT(faults) {
    TRY(read((UINT64 *)zero))
    MUST((NTSTATUS)room[0] == STATUS_ACCESS_VIOLATION && room[1] == 2 && room[2] == 0 && room[3] == 0);
    MUST(room[4] && !room[5]);
    TRY(write((UINT64 *)(zero + 0x1238)))
    MUST((NTSTATUS)room[0] == STATUS_ACCESS_VIOLATION && room[2] == 1 && room[3] == 0x1238);
    TRY(read((UINT64 *)(zero + 0x8000000000000000)))
    MUST((NTSTATUS)room[0] == STATUS_ACCESS_VIOLATION && room[2] == 0 && room[3] == ~(UINT64)0);
    TRY(divide((int)zero, 5))
    MUST((NTSTATUS)room[0] == STATUS_INTEGER_DIVIDE_BY_ZERO && room[4]);
    TRY(divide((int)zero - 1, (int)0x80000000))
    MUST((NTSTATUS)room[0] == STATUS_INTEGER_OVERFLOW);
    TRY(stop_here())
    MUST((NTSTATUS)room[0] == STATUS_BREAKPOINT && room[4]);
    TRY(illegal())
    MUST((NTSTATUS)room[0] == STATUS_ILLEGAL_INSTRUCTION && room[4]);
    return 0;
}

EXPORT(services_raise) {
    UINT64 bytes[4];
    TRY(ExRaiseAccessViolation())
    MUST((NTSTATUS)room[0] == STATUS_ACCESS_VIOLATION && room[5] == EXCEPTION_NONCONTINUABLE && room[4]);
    TRY(ExRaiseDatatypeMisalignment())
    MUST((NTSTATUS)room[0] == STATUS_DATATYPE_MISALIGNMENT);
    TRY(ProbeForRead(room, 8, 1))
    MUST((NTSTATUS)room[0] == STATUS_ACCESS_VIOLATION);
    TRY(ProbeForWrite((UCHAR *)room + 1, 8, 8))
    MUST((NTSTATUS)room[0] == STATUS_DATATYPE_MISALIGNMENT);
    TRY(memcpy(bytes, (void *)(zero + 0x2000), 16 + zero)) /* in a service */
    MUST((NTSTATUS)room[0] == STATUS_ACCESS_VIOLATION && room[2] == 0 && room[3] == 0x2000);
    TRY(RtlZeroMemory((void *)(zero + 0x3000), 16 + zero))
    MUST((NTSTATUS)room[0] == STATUS_ACCESS_VIOLATION && room[2] == 1 && room[3] == 0x3000);
    TRY(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, (SIZE_T)1 << 62, 0x206E6553))
    MUST((NTSTATUS)room[0] == STATUS_INSUFFICIENT_RESOURCES);
    return 0;
}

/* --- filters that say to go on */

UINT64 read_here(UINT64 *p);
__asm__(".globl read_here\nread_here:\n\tmovq (%rcx), %rax\n\tret\n");

static int repair(EXCEPTION_POINTERS *p, UINT64 *good) {
    p->ContextRecord->Rcx = (UINT64)good;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static int go_on(void) {
    return EXCEPTION_CONTINUE_EXECUTION;
}

EXPORT(it_continues) {
    EXCEPTION_RECORD record = {.ExceptionCode = ODD, .NumberParameters = 1, .ExceptionInformation = {5}};
    volatile UINT64 result = 0;
    room[9] = 99;
    __try {
        result = read_here((UINT64 *)zero);
        RtlRaiseException(&record);
        result++;
    } __except (GetExceptionCode() == ODD ? go_on() : repair(GetExceptionInformation(), room + 9)) {
        return __LINE__;
    }
    MUST(result == 100);
    return 0;
}

EXPORT(it_cannot_continue) { /* the host stops */
    __try {
        raise(ODD);
    } __except (go_on()) {
        return __LINE__;
    }
    room[0] = 1;
    return 0;
}

/* --- __finally */

EXPORT(finally_in_passing) {
    (void)room;
    forget();
    __try {
        note('b');
    } __finally {
        note(AbnormalTermination() ? 'a' : 'n');
    }
    MUST(same("bn"));
    return 0;
}

static APART void third(NTSTATUS status) {
    __try {
        raise(status);
    } __finally {
        note(AbnormalTermination() ? '3' : '-');
    }
}

static APART void second(NTSTATUS status) {
    __try {
        __try {
            third(status);
            (void)zero; /* clang 14 has the scope of a call touch the one that follows it at once */
        } __finally {
            note(AbnormalTermination() ? '2' : '-');
        }
    } __finally {
        note(AbnormalTermination() ? '1' : '-');
    }
}

EXPORT(finally_on_the_way) {
    (void)room;
    forget();
    __try {
        second(ODD);
    } __except (note('f'), EXCEPTION_EXECUTE_HANDLER) {
        note('h');
    }
    MUST(same("f321h")); /* the filter is asked before anything is left */
    return 0;
}

static APART int leave_early(int how) {
    __try {
        if (how)
            return how;
        note('s');
    } __finally {
        note(AbnormalTermination() ? 'a' : 'n');
    }
    return 0;
}

EXPORT(out_of_the_middle) {
    (void)room;
    forget();
    MUST(leave_early(3) == 3 && leave_early(0) == 0);
    MUST(same("asn"));
    return 0;
}

/* A part of the same function is left, the scopes around go on. */
EXPORT(only_what_is_inside) {
    (void)room;
    forget();
    __try {
        __try {
            __try {
                raise(ODD);
            } __finally {
                note('1');
            }
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            note('h');
        }
        note('g');
    } __finally {
        note(AbnormalTermination() ? 'a' : 'n');
    }
    MUST(same("1hgn"));
    return 0;
}

/* --- exceptions within the handling of exceptions */

static int failing_filter(void) {
    if (at < 2) {
        note('f');
        raise(STATUS_NO_MEMORY);
    }
    note('g');
    return EXCEPTION_CONTINUE_SEARCH;
}

EXPORT(in_a_filter) {
    volatile NTSTATUS code = 0;
    (void)room;
    forget();
    __try {
        __try {
            raise(ODD);
        } __except (failing_filter()) {
            return __LINE__;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    MUST(code == STATUS_NO_MEMORY && same("ffg"));
    return 0;
}

EXPORT(in_a_finally) {
    volatile NTSTATUS code = 0;
    (void)room;
    forget();
    __try {
        __try {
            __try {
                raise(ODD);
            } __finally {
                note('1');
                raise(STATUS_NO_MEMORY);
            }
        } __finally {
            note('2');
        }
    } __except (note('f'), EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    MUST(code == STATUS_NO_MEMORY && same("f1f2"));
    return 0;
}

EXPORT(in_a_handler) {
    volatile NTSTATUS code = 0;
    (void)room;
    __try {
        __try {
            raise(ODD);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            raise(GetExceptionCode() + 1);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    MUST(code == ODD + 1);
    return 0;
}

/* Ten thousand: nothing of the stack is lost. */
EXPORT(many) {
    volatile ULONG caught = 0;
    (void)room;
    for (ULONG i = 0; i < 10000; i++)
        __try {
            if (i & 1)
                read((UINT64 *)zero);
            third(ODD);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            caught++;
        }
    MUST(caught == 10000);
    return 0;
}

/* --- what no handler can take */

EXPORT(nobody_cares) {
    __try {
        read((UINT64 *)(zero + 0x18));
    } __except (EXCEPTION_CONTINUE_SEARCH) {
        room[0] = 1;
    }
    return 0;
}

EXPORT(nobody_takes_a_status) {
    __try {
        raise(ODD);
    } __finally {
        room[0] = 1; /* nothing is left, so this is never run */
    }
    return 0;
}

static APART void set_nothing(void) {
    volatile UCHAR frame[2048];
    frame[zero] = 1;
    KeSetEvent((PKEVENT)(zero + 0x40), IO_NO_INCREMENT, FALSE);
    frame[zero] = 2;
}

/* A service of which no document says that it raises; after one that did. */
EXPORT(in_another_service) {
    __try {
        raise(ODD);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        note('h');
    }
    __try {
        set_nothing();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        room[0] = 1;
    }
    return 0;
}

EXPORT(over_the_end) { /* of a block of pool: Windows stops at once */
    UCHAR *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 0x206E6553);
    __try {
        write((UINT64 *)(block + 64));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        room[0] = 1;
    }
    return 0;
}

EXPORT(at_dispatch_level) {
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    __try {
        read((UINT64 *)zero);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        room[0] = 1;
    }
    KeLowerIrql(before);
    return 0;
}

static int always_fails(void) {
    read((UINT64 *)zero);
    return EXCEPTION_EXECUTE_HANDLER;
}

EXPORT(without_end) { /* each filter that is asked fails itself, until no stack is left */
    __try {
        read((UINT64 *)zero);
    } __except (always_fails()) {
        room[0] = 1;
    }
    return 0;
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    (void)driver;
    (void)path;
    return STATUS_SUCCESS;
}
