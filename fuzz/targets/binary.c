/* Programs as bytes: everything decodes; one program has one encoding; the C form and the text can be made.
 */
#include "target.h"

#include <gpup/program.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    return 0;
}

static uint8_t *encoded(const struct gpup_program *p, size_t *size) {
    *size = gpup_program_encode(p, NULL, 0);
    uint8_t *bytes = malloc(*size + 1);
    if (bytes)
        gpup_program_encode(p, bytes, *size);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_program program, again = {0};
    size_t one_size, two_size;
    if (!gpup_program_decode(data, size, &program))
        return 0;
    uint8_t *one = encoded(&program, &one_size), *two = NULL;
    if (one && gpup_program_decode(one, one_size, &again))
        two = encoded(&again, &two_size);
    if (one && two && (one_size != two_size || memcmp(one, two, one_size) != 0))
        abort();
    if (size < 512)
        free(gpup_program_emit_c(&program, "implementation"));
    free(one);
    free(two);
    gpup_program_free(&program);
    gpup_program_free(&again);
    return 0;
}
