/* Linked into every program of a build that counts what runs: a process that leaves with _exit, as workers
 * do, writes its counters too. The linker leads _exit here (GpupFlags.cmake). */
#include <gcov.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status) {
    __gcov_dump();
    __real__exit(status);
}
