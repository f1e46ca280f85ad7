/* Programs as text: any bytes give a program or a message; what is printed is read back as the same. */
#include "target.h"

#include <gpup/program.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_program program, again;
    char *errors = NULL;
    if (gpup_program_parse((const char *)data, size, "input", &program, &errors) != 0) {
        if (!errors)
            abort(); /* refused without a word */
        free(errors);
        return 0;
    }
    char *text = gpup_program_print(&program);
    if (text) {
        if (gpup_program_parse(text, strlen(text), "printed", &again, &errors) != 0)
            abort();
        char *second = gpup_program_print(&again);
        if (second && strcmp(text, second) != 0)
            abort();
        free(second);
        gpup_program_free(&again);
    }
    free(text);
    gpup_program_free(&program);
    return 0;
}
