/* The step array of a program. */
#include <gpup/program.h>
#include <stdlib.h>

/* Capacity is not kept: the array doubles whenever its size is a power of two, from 16 on. */
bool gpup_program_append(struct gpup_program *program, const struct gpup_step *step) {
    size_t count = program->step_count;
    if (count >= GPUP_PROGRAM_MAX_STEPS)
        return false;
    if (count == 0 || (count >= 16 && (count & (count - 1)) == 0)) {
        size_t capacity = count ? count * 2 : 16;
        struct gpup_step *steps = realloc(program->steps, capacity * sizeof *steps);
        if (!steps)
            return false;
        program->steps = steps;
    }
    program->steps[program->step_count++] = *step;
    return true;
}

void gpup_program_free(struct gpup_program *program) {
    free(program->steps);
    program->steps = NULL;
    program->step_count = 0;
}
