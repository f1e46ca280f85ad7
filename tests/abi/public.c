/*
 * Prints the binary interface that the public headers make between the suite and what vendors compile: sizes,
 * places and numbers, in sections headed by the version that must be raised when one of them changes. Built
 * as C and as C++: both must print the same.
 */
#include <gpup/repro.h>

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
#define class class_ /* what the member is called there */
#endif

#define STRUCTURE(type) printf("size %s %zu\n", #type, sizeof(struct type))
#define MEMBER(type, member)                                                                                 \
    printf("field %s %s %zu %zu\n", #type, #member, offsetof(struct type, member),                           \
           sizeof(((struct type *)0)->member)) // NOLINT(bugprone-sizeof-expression): also of pointers

static void implementation(void) {
    printf("[implementation.h %d]\n", GPUP_IMPLEMENTATION_VERSION);
#include "public/implementation.def"
}

static void device(void) {
    printf("[device.h %d]\n", GPUP_DEVICE_VERSION);
#include "public/device.def"
}

static void framework(void) {
    printf("[framework.h %d]\n", GPUP_FRAMEWORK_VERSION);
#include "public/framework.def"
}

/* What an emitted test hands over by structure, and the numbers of the operations in it. */
static void program(void) {
    printf("[program %s]\n", GPUP_EXPORTS_VERSION);
#include "public/program.def"
#define OP(name, group) printf("value %s %d\n", #name, (int)GPUP_OP_##name);
#define FIELD(op, name, kind, value) printf("value %s.%s %d\n", #op, #name, (int)GPUP_##op##_##name);
#define END(name)
#include <gpup/ops.def>
}

int main(void) {
    implementation();
    device();
    framework();
    program();
    return 0;
}
