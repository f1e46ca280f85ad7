/*
 * Structured exception handling on x64: records, the processor's context, and the routines that raise
 * exceptions, find handlers and unwind frames.
 *
 * Only images for Windows have handlers: __try and __except are the compiler's, which with clang asks for
 * -fms-extensions. What a natively built driver raises nobody handles. An exception that no handler of the
 * image takes stops the host, as a bug check would. Layouts are those of ntddk.h and winnt.h, the tables
 * those of https://learn.microsoft.com/cpp/build/exception-handling-x64. Included by ddi/wdm.h, and like it
 * absent when the WDK's is present.
 */
#ifndef GPUP_DDI_WDM_EXCEPTION_H
#define GPUP_DDI_WDM_EXCEPTION_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

/* What a filter answers. */
#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

#define EXCEPTION_NONCONTINUABLE 0x1
#define EXCEPTION_UNWINDING 0x2
#define EXCEPTION_EXIT_UNWIND 0x4
#define EXCEPTION_STACK_INVALID 0x8
#define EXCEPTION_NESTED_CALL 0x10
#define EXCEPTION_TARGET_UNWIND 0x20
#define EXCEPTION_COLLIDED_UNWIND 0x40
#define EXCEPTION_UNWIND (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND | EXCEPTION_TARGET_UNWIND)
#define EXCEPTION_MAXIMUM_PARAMETERS 15

/* Codes beside those of ddi/ntstatus.h. */
#ifndef STATUS_DATATYPE_MISALIGNMENT
#define STATUS_DATATYPE_MISALIGNMENT ((NTSTATUS)0x80000002)
#endif
#ifndef STATUS_BREAKPOINT
#define STATUS_BREAKPOINT ((NTSTATUS)0x80000003)
#endif
#ifndef STATUS_SINGLE_STEP
#define STATUS_SINGLE_STEP ((NTSTATUS)0x80000004)
#endif
#ifndef STATUS_ILLEGAL_INSTRUCTION
#define STATUS_ILLEGAL_INSTRUCTION ((NTSTATUS)0xC000001D)
#endif
#ifndef STATUS_NONCONTINUABLE_EXCEPTION
#define STATUS_NONCONTINUABLE_EXCEPTION ((NTSTATUS)0xC0000025)
#endif
#ifndef STATUS_UNWIND
#define STATUS_UNWIND ((NTSTATUS)0xC0000027)
#endif
#ifndef STATUS_BAD_STACK
#define STATUS_BAD_STACK ((NTSTATUS)0xC0000028)
#endif
#ifndef STATUS_INTEGER_DIVIDE_BY_ZERO
#define STATUS_INTEGER_DIVIDE_BY_ZERO ((NTSTATUS)0xC0000094)
#endif
#ifndef STATUS_INTEGER_OVERFLOW
#define STATUS_INTEGER_OVERFLOW ((NTSTATUS)0xC0000095)
#endif
#ifndef STATUS_FLOAT_MULTIPLE_FAULTS
#define STATUS_FLOAT_MULTIPLE_FAULTS ((NTSTATUS)0xC00002B4)
#endif

/* EXCEPTION_RECORD structure. An access violation has two parameters: 0 a read, 1 a write, 8 an instruction,
 * and the address. */
typedef struct DDI_STRUCT _EXCEPTION_RECORD {
    NTSTATUS ExceptionCode;
    ULONG ExceptionFlags;
    struct _EXCEPTION_RECORD *ExceptionRecord;
    PVOID ExceptionAddress;
    ULONG NumberParameters;
    ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

typedef struct DDI_STRUCT __attribute__((aligned(16))) _M128A {
    ULONGLONG Low;
    LONGLONG High;
} M128A, *PM128A;

/* CONTEXT structure. The registers from Rax on stand in the order of their numbers in instructions. */
typedef struct DDI_STRUCT __attribute__((aligned(16))) _CONTEXT {
    ULONG64 P1Home, P2Home, P3Home, P4Home, P5Home, P6Home;
    ULONG ContextFlags;
    ULONG MxCsr;
    USHORT SegCs, SegDs, SegEs, SegFs, SegGs, SegSs;
    ULONG EFlags;
    ULONG64 Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    ULONG64 Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15;
    ULONG64 Rip;
    M128A Header[2], Legacy[8];
    M128A Xmm0, Xmm1, Xmm2, Xmm3, Xmm4, Xmm5, Xmm6, Xmm7, Xmm8, Xmm9, Xmm10, Xmm11, Xmm12, Xmm13, Xmm14,
        Xmm15;
    UCHAR Reserved4[96]; /* the rest of the 512 bytes of FXSAVE */
    M128A VectorRegister[26];
    ULONG64 VectorControl;
    ULONG64 DebugControl, LastBranchToRip, LastBranchFromRip, LastExceptionToRip, LastExceptionFromRip;
} CONTEXT, *PCONTEXT;
#define CONTEXT_FULL 0x10000B

typedef struct DDI_STRUCT _EXCEPTION_POINTERS {
    PEXCEPTION_RECORD ExceptionRecord;
    PCONTEXT ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;

typedef enum _EXCEPTION_DISPOSITION {
    ExceptionContinueExecution,
    ExceptionContinueSearch,
    ExceptionNestedException,
    ExceptionCollidedUnwind
} EXCEPTION_DISPOSITION;

/* RUNTIME_FUNCTION structure: an entry of the table of functions; bytes from the start of the image. */
typedef struct DDI_STRUCT _RUNTIME_FUNCTION {
    ULONG BeginAddress, EndAddress, UnwindData;
} RUNTIME_FUNCTION, *PRUNTIME_FUNCTION;

struct _DISPATCHER_CONTEXT;
typedef EXCEPTION_DISPOSITION DDI_CALL EXCEPTION_ROUTINE(PEXCEPTION_RECORD ExceptionRecord,
                                                         PVOID EstablisherFrame, PCONTEXT ContextRecord,
                                                         struct _DISPATCHER_CONTEXT *DispatcherContext);
typedef EXCEPTION_ROUTINE *PEXCEPTION_ROUTINE;

/* What a handler of a language is told of the frame it is called for. */
typedef struct DDI_STRUCT _DISPATCHER_CONTEXT {
    ULONG64 ControlPc;
    ULONG64 ImageBase;
    PRUNTIME_FUNCTION FunctionEntry;
    ULONG64 EstablisherFrame;
    ULONG64 TargetIp;
    PCONTEXT ContextRecord;
    PEXCEPTION_ROUTINE LanguageHandler;
    PVOID HandlerData;
    PVOID HistoryTable; /* never used here */
    ULONG ScopeIndex;
    ULONG Fill0;
} DISPATCHER_CONTEXT, *PDISPATCHER_CONTEXT;

/* The compiler's, within filters, handlers and __finally. */
#define GetExceptionCode() ((NTSTATUS)__exception_code())
#define GetExceptionInformation() ((PEXCEPTION_POINTERS)__exception_info())
#define AbnormalTermination() __abnormal_termination()

/* Raises an exception with that status; not continuable. IRQL <= APC_LEVEL. */
VOID DDI_CALL ExRaiseStatus(NTSTATUS Status) __attribute__((noreturn));
VOID DDI_CALL ExRaiseAccessViolation(void) __attribute__((noreturn));
VOID DDI_CALL ExRaiseDatatypeMisalignment(void) __attribute__((noreturn));
/* Raises the exception as described; its address is set to the caller's. Comes back if a filter says so. */
VOID DDI_CALL RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord);

/* What compilers have in the tables of functions with __try: scopes, filters, and termination handlers. */
EXCEPTION_DISPOSITION DDI_CALL __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                                                    PCONTEXT ContextRecord,
                                                    struct _DISPATCHER_CONTEXT *DispatcherContext);
/* Leaves frames up to TargetFrame, each termination handler on the way called, and continues at TargetIp with
 * ReturnValue as result. Does not come back. */
VOID DDI_CALL RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                          PVOID ReturnValue, PCONTEXT ContextRecord, PVOID HistoryTable);
VOID DDI_CALL RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                        PVOID ReturnValue);
/* What a compiler calls for a jump out of __try with __finally. */
VOID DDI_CALL _local_unwind(PVOID Frame, PVOID TargetIp);

/* The caller's registers, as they are when it goes on. */
VOID DDI_CALL RtlCaptureContext(PCONTEXT ContextRecord);
/* The entry of a code address; NULL: a leaf function, or code of nobody. */
PRUNTIME_FUNCTION DDI_CALL RtlLookupFunctionEntry(ULONG64 ControlPc, ULONG64 *ImageBase, PVOID HistoryTable);
/* One frame up; returns the function's handler of that type (UNW_FLAG_EHANDLER, UNW_FLAG_UHANDLER), or NULL.
 * ContextPointers are not filled. */
PEXCEPTION_ROUTINE DDI_CALL RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                                             PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord,
                                             PVOID *HandlerData, ULONG64 *EstablisherFrame,
                                             PVOID ContextPointers);
#define UNW_FLAG_NHANDLER 0
#define UNW_FLAG_EHANDLER 1
#define UNW_FLAG_UHANDLER 2

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
