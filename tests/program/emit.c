/* Emitted C compiles against our headers without a warning, and says what the program says. */
#include "sample.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char *compiler, *include, *output;

static void compile(const struct gpup_program *program) {
    char flag[1024], *text = gpup_program_emit_c(program, "a \"name\" ?"
                                                          "?/ with */ in it");
    const char *arguments[] = {compiler,        "-std=gnu11", "-Wall", "-Wextra", "-Werror",
                               "-fsyntax-only", flag,         output,  NULL};
    pid_t child;
    int status = -1;
    assert_non_null(text);
    FILE *file = fopen(output, "wb");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
    free(text);
    snprintf(flag, sizeof flag, "-I%s", include);
    assert_int_equal(posix_spawnp(&child, compiler, NULL, NULL, (char *const *)arguments, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_every_operation(void **state) {
    struct gpup_program program = {.title = "Every \"operation\" */ \xC3\xA9", .area = "ALL"};
    uint64_t seed = 21;
    (void)state;
    gpup_world_defaults(&program.world);
    for (unsigned round = 0; round < 6; round++) {
        struct gpup_program more;
        sample_program(&seed, &more);
        for (size_t i = 0; i < more.step_count; i++)
            assert_true(gpup_program_append(&program, &more.steps[i]));
        gpup_program_free(&more);
    }
    for (unsigned op = 0; op < GPUP_OPS; op++) {
        struct gpup_step step;
        gpup_step_defaults(&step, op);
        for (unsigned i = 0; i < gpup_op_info(op)->field_count; i++)
            step.f[i] =
                (struct gpup_value){(uint8_t)(sample_random(&seed) % GPUP_SYMBOLS), sample_random(&seed)};
        assert_true(gpup_program_append(&program, &step)); /* emitting brings it into bounds */
    }
    compile(&program);
    gpup_program_free(&program);
}

static void test_empty(void **state) {
    struct gpup_program program = {0};
    (void)state;
    gpup_world_defaults(&program.world);
    compile(&program);
}

static void test_text(void **state) {
    static const char yaml[] =
        "title: T\nsteps:\n- SaveMutableMigrationData: {vf: 1, size: need-1, class: policy}\n";
    struct gpup_program program;
    char *errors = NULL;
    (void)state;
    assert_int_equal(gpup_program_parse(yaml, sizeof yaml - 1, "t", &program, &errors), 0);
    char *text = gpup_program_emit_c(&program, "reference");
    assert_non_null(
        strstr(text, ".op = GPUP_OP_SaveMutableMigrationData, .host = 0, .vf = 1, .class = GPUP_POLICY"));
    assert_non_null(strstr(text,
                           "[GPUP_SaveMutableMigrationData_size] = {.symbol = GPUP_SYMBOL_NEED, .number = "
                           "(uint64_t)-0x1ll},"));
    assert_non_null(
        strstr(text, "gpup_world_run_and_judge(&program, gpup_implementation(), message, sizeof message)"));
    free(text);
    gpup_program_free(&program);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_operation), cmocka_unit_test(test_empty),
                                       cmocka_unit_test(test_text)};
    if (argc != 4)
        return 2;
    compiler = argv[1];
    include = argv[2];
    output = argv[3];
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
