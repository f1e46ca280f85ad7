/*
 * Files, of wdm.h and ntifs.h.
 *
 * They lie in a scratch area in the world's memory: 64 files, 1 MiB of data that a driver wrote
 * (STATUS_DISK_FULL beyond), no file of the machine that the suite runs on. A host starts with what was given
 * to the run with --file and nothing else; restoring the world restores its files. Names are those of
 * Windows:
 *   \??\C:\dir\name  \DosDevices\C:\...  \GLOBAL??\C:\...    any drive letter
 *   \SystemRoot\...                                          is \??\C:\Windows\...
 *   \Device\HarddiskVolume3\...                              any number: is \??\C:\...
 * in any case of letters, with or without OBJ_CASE_INSENSITIVE, or relative to the handle of a directory. The
 * directories of a name need not exist, and each can be opened. Every thread here is a system thread, so that
 * OBJ_KERNEL_HANDLE may be left out. All I/O is done when the service returns, whatever the handle is.
 *
 * Included by ddi/wdm.h, and like it absent when the WDK's is present. Pages:
 * https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-zwcreatefile and so on.
 */
#ifndef GPUP_DDI_WDM_FILE_H
#define GPUP_DDI_WDM_FILE_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

/* --- DesiredAccess */
#define FILE_READ_DATA 0x0001
#define FILE_LIST_DIRECTORY 0x0001
#define FILE_WRITE_DATA 0x0002
#define FILE_APPEND_DATA 0x0004
#define FILE_READ_EA 0x0008
#define FILE_WRITE_EA 0x0010
#define FILE_EXECUTE 0x0020
#define FILE_TRAVERSE 0x0020
#define FILE_READ_ATTRIBUTES 0x0080
#define FILE_WRITE_ATTRIBUTES 0x0100
#define DELETE 0x00010000
#define READ_CONTROL 0x00020000
#define SYNCHRONIZE 0x00100000
#define MAXIMUM_ALLOWED 0x02000000
#define GENERIC_ALL 0x10000000
#define GENERIC_EXECUTE 0x20000000
#define GENERIC_WRITE 0x40000000
#define GENERIC_READ 0x80000000
#define FILE_ALL_ACCESS 0x001F01FF
#define FILE_GENERIC_READ 0x00120089 /* what GENERIC_READ of a file is */
#define FILE_GENERIC_WRITE 0x00120116
#define FILE_GENERIC_EXECUTE 0x001200A0

/* --- ShareAccess: what others may do meanwhile */
#define FILE_SHARE_READ 1
#define FILE_SHARE_WRITE 2
#define FILE_SHARE_DELETE 4

/* --- CreateDisposition */
#define FILE_SUPERSEDE 0
#define FILE_OPEN 1
#define FILE_CREATE 2
#define FILE_OPEN_IF 3
#define FILE_OVERWRITE 4
#define FILE_OVERWRITE_IF 5

/* --- CreateOptions, OpenOptions */
#define FILE_DIRECTORY_FILE 0x00000001
#define FILE_WRITE_THROUGH 0x00000002
#define FILE_SEQUENTIAL_ONLY 0x00000004
#define FILE_NO_INTERMEDIATE_BUFFERING 0x00000008 /* offsets and lengths are multiples of 512 */
#define FILE_SYNCHRONOUS_IO_ALERT 0x00000010
#define FILE_SYNCHRONOUS_IO_NONALERT 0x00000020 /* either: the handle has a position, access SYNCHRONIZE */
#define FILE_NON_DIRECTORY_FILE 0x00000040
#define FILE_RANDOM_ACCESS 0x00000800
#define FILE_DELETE_ON_CLOSE 0x00001000 /* needs access DELETE */
#define FILE_OPEN_BY_FILE_ID 0x00002000 /* not played: stops the program */
#define FILE_OPEN_FOR_BACKUP_INTENT 0x00004000

/* --- FileAttributes: kept and told, nothing else comes of them */
#define FILE_ATTRIBUTE_READONLY 0x00000001
#define FILE_ATTRIBUTE_HIDDEN 0x00000002
#define FILE_ATTRIBUTE_SYSTEM 0x00000004
#define FILE_ATTRIBUTE_DIRECTORY 0x00000010
#define FILE_ATTRIBUTE_ARCHIVE 0x00000020
#define FILE_ATTRIBUTE_NORMAL 0x00000080 /* none of the others */

/* --- IoStatusBlock->Information of what opens */
#define FILE_SUPERSEDED 0
#define FILE_OPENED 1
#define FILE_CREATED 2
#define FILE_OVERWRITTEN 3
#define FILE_EXISTS 4
#define FILE_DOES_NOT_EXIST 5

/* --- LowPart of a ByteOffset whose HighPart is -1 */
#define FILE_WRITE_TO_END_OF_FILE 0xffffffff
#define FILE_USE_FILE_POINTER_POSITION 0xfffffffe

typedef struct DDI_STRUCT _IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    ULONG_PTR Information; /* bytes, or one of the six above */
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;
typedef VOID(DDI_CALL IO_APC_ROUTINE)(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved);
typedef IO_APC_ROUTINE *PIO_APC_ROUTINE;

/* Those that are played; any other stops the program as an unknown import does. */
typedef enum _FILE_INFORMATION_CLASS {
    FileBasicInformation = 4,        /* query */
    FileStandardInformation = 5,     /* query */
    FileDispositionInformation = 13, /* set */
    FilePositionInformation = 14,    /* query, set */
    FileEndOfFileInformation = 20,   /* set */
    FileNetworkOpenInformation = 34  /* query */
} FILE_INFORMATION_CLASS,
    *PFILE_INFORMATION_CLASS;

/* Times: 100 ns since 1601, simulated. */
typedef struct DDI_STRUCT _FILE_BASIC_INFORMATION {
    LARGE_INTEGER CreationTime;
    LARGE_INTEGER LastAccessTime;
    LARGE_INTEGER LastWriteTime;
    LARGE_INTEGER ChangeTime;
    ULONG FileAttributes;
} FILE_BASIC_INFORMATION, *PFILE_BASIC_INFORMATION;
typedef struct DDI_STRUCT _FILE_STANDARD_INFORMATION {
    LARGE_INTEGER AllocationSize;
    LARGE_INTEGER EndOfFile; /* bytes */
    ULONG NumberOfLinks;
    BOOLEAN DeletePending;
    BOOLEAN Directory;
} FILE_STANDARD_INFORMATION, *PFILE_STANDARD_INFORMATION;
typedef struct DDI_STRUCT _FILE_POSITION_INFORMATION {
    LARGE_INTEGER CurrentByteOffset;
} FILE_POSITION_INFORMATION, *PFILE_POSITION_INFORMATION;
typedef struct DDI_STRUCT _FILE_END_OF_FILE_INFORMATION {
    LARGE_INTEGER EndOfFile;
} FILE_END_OF_FILE_INFORMATION, *PFILE_END_OF_FILE_INFORMATION;
typedef struct DDI_STRUCT _FILE_DISPOSITION_INFORMATION {
    BOOLEAN DeleteFile; /* when it is closed */
} FILE_DISPOSITION_INFORMATION, *PFILE_DISPOSITION_INFORMATION;
typedef struct DDI_STRUCT _FILE_NETWORK_OPEN_INFORMATION {
    LARGE_INTEGER CreationTime;
    LARGE_INTEGER LastAccessTime;
    LARGE_INTEGER LastWriteTime;
    LARGE_INTEGER ChangeTime;
    LARGE_INTEGER AllocationSize;
    LARGE_INTEGER EndOfFile;
    ULONG FileAttributes;
} FILE_NETWORK_OPEN_INFORMATION, *PFILE_NETWORK_OPEN_INFORMATION;

NTSTATUS DDI_CALL ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                               PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                               ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength);
NTSTATUS DDI_CALL ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                             ULONG ShareAccess, ULONG OpenOptions);
/* Event: a handle of IoCreateNotificationEvent, say, or NULL. ApcRoutine, ApcContext, Key: NULL. */
NTSTATUS DDI_CALL ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                             PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                             PLARGE_INTEGER ByteOffset, PULONG Key);
NTSTATUS DDI_CALL ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                              PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                              PLARGE_INTEGER ByteOffset, PULONG Key);
NTSTATUS DDI_CALL ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                         PVOID FileInformation, ULONG Length,
                                         FILE_INFORMATION_CLASS FileInformationClass);
NTSTATUS DDI_CALL ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                       PVOID FileInformation, ULONG Length,
                                       FILE_INFORMATION_CLASS FileInformationClass);
NTSTATUS DDI_CALL ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
NTSTATUS DDI_CALL ZwDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes);
NTSTATUS DDI_CALL ZwQueryFullAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes,
                                            PFILE_NETWORK_OPEN_INFORMATION FileInformation);

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
