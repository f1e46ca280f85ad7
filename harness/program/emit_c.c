/* C form of a program: a complete CMocka test of its own. */
#include "text.h"

static void emit_value(struct gpup_text *text, const char *op, const char *field, unsigned kind,
                       struct gpup_value value) {
    gpup_text_printf(text, "        [GPUP_%s_%s] = {", op, field);
    if (value.symbol != GPUP_SYMBOL_NONE)
        gpup_text_printf(text, ".symbol = %s", gpup_symbol_enum(value.symbol));
    if (value.number) {
        gpup_text_printf(text, value.symbol != GPUP_SYMBOL_NONE ? ", .number = " : ".number = ");
        if (value.number >> 63 && (value.symbol != GPUP_SYMBOL_NONE || kind == GPUP_KIND_INDEX))
            gpup_text_printf(text, "(uint64_t)-0x%llxll", (unsigned long long)-value.number);
        else
            gpup_text_number(text, value.number);
    }
    gpup_text_printf(text, "},\n");
}

static void emit_step(struct gpup_text *text, const struct gpup_step *given) {
    static const char *const classes[GPUP_CLASSES] = {"GPUP_LEGAL", "GPUP_STATED", "GPUP_ROBUSTNESS",
                                                      "GPUP_POLICY"};
    struct gpup_step step = *given;
    bool open = false;
    gpup_step_clamp(&step);
    const struct gpup_op_info *info = gpup_op_info(step.op);
    gpup_text_printf(text, "    /* ");
    gpup_text_step(text, &step);
    gpup_text_printf(text, " */\n    {.op = GPUP_OP_%s, .host = %u, .vf = %u, .class = %s", info->name,
                     step.host, step.vf, classes[step.class]);
    for (unsigned i = 0; i < info->field_count; i++) {
        if (step.f[i].symbol == GPUP_SYMBOL_NONE && step.f[i].number == 0)
            continue;
        gpup_text_printf(text, open ? "" : ", .f = {\n");
        open = true;
        emit_value(text, info->name, info->field[i].name, info->field[i].kind, step.f[i]);
    }
    gpup_text_printf(text, open ? "    }},\n" : "},\n");
}

static void emit_world(struct gpup_text *text, const struct gpup_world_config *given) {
    struct gpup_world_config w = *given;
    gpup_world_clamp(&w);
    gpup_text_printf(
        text,
        "    .world = {.hosts = %u, .vfs = %u, .partitions = %u, .segments = %u, .msix_entries = %u,\n"
        "              .msix_bar = %u, .msix_offset = 0x%x, .page_size = %u, .performant = %u,\n"
        "              .vram_mib = %u, .reserve_kib = %u, .seed = 0x%llxu, .fill = %u, .preempt = %u,\n"
        "              .one_system = %u, .scatter = %u, .uneven = %u, .reserved = %u,\n"
        "              .untracked = %u, .bus = %u},\n",
        w.hosts, w.vfs, w.partitions, w.segments, w.msix_entries, w.msix_bar, w.msix_offset, w.page_size,
        w.performant, w.vram_mib, w.reserve_kib, (unsigned long long)w.seed, w.fill, w.preempt, w.one_system,
        w.scatter, w.uneven, w.reserved, w.untracked, w.bus);
}

/* A C string literal of any bytes; octal, because a hex escape would swallow digits that follow. */
static void emit_string(struct gpup_text *text, const char *string) {
    gpup_text_put(text, "\"", 1);
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c < 0x20 || c > 0x7E || c == '"' || c == '\\' || c == '?')
            gpup_text_printf(text, "\\%03o", c);
        else
            gpup_text_put(text, string, 1);
    }
    gpup_text_put(text, "\"", 1);
}

static const char head[] =
    "/*\n"
    " * One program of gpup-cts as a test of its own:\n"
    " *\n"
    " *   cc -I PREFIX/include/gpup-cts repro.c driver.so -L PREFIX/lib -lgpup-repro -lcmocka -o repro\n"
    " *   LD_LIBRARY_PATH=.:PREFIX/lib ./repro [OPTION...]\n"
    " *\n"
    " * driver.so defines gpup_implementation. Each OPTION is set in it as \"defect\" before it is loaded.\n"
    " */\n"
    "#include <setjmp.h>\n"
    "#include <stdarg.h>\n"
    "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "\n"
    "#include <cmocka.h>\n"
    "#include <gpup/repro.h>\n"
    "\n"
    "const struct gpup_implementation *gpup_implementation(void);\n"
    "\n";

static const char tail[] =
    "static void test_program(void **state) {\n"
    "    char message[1024] = \"\";\n"
    "    (void)state;\n"
    "    int result = gpup_world_run_and_judge(&program, gpup_implementation(), message, sizeof message);\n"
    "    if (result)\n"
    "        fail_msg(\"%s: %s: %s\", implementation, result < 0 ? \"could not run\" : \"finding\", "
    "message);\n"
    "}\n"
    "\n"
    "int main(int argc, char **argv) {\n"
    "    const struct CMUnitTest tests[] = {{program.title, test_program, NULL, NULL, NULL}};\n"
    "    const struct gpup_implementation *driver = gpup_implementation();\n"
    "    for (int i = 1; i < argc; i++)\n"
    "        if (!driver->set_option || !driver->set_option(\"defect\", argv[i]))\n"
    "            return 2;\n"
    "    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;\n"
    "}\n";

static void emit_steps(struct gpup_text *text, const struct gpup_program *program) {
    if (program->step_count == 0)
        return;
    gpup_text_printf(text, "static struct gpup_step steps[] = {\n");
    for (size_t i = 0; i < program->step_count; i++)
        emit_step(text, &program->steps[i]);
    gpup_text_printf(text, "};\n\n");
}

char *gpup_program_emit_c(const struct gpup_program *program, const char *implementation) {
    struct gpup_text text = {0};
    gpup_text_put(&text, head, sizeof head - 1);
    gpup_text_printf(&text, "static const char implementation[] = ");
    emit_string(&text, implementation ? implementation : "the implementation");
    gpup_text_printf(&text, ";\n\n");
    emit_steps(&text, program);
    gpup_text_printf(&text, "static const struct gpup_program program = {\n    .title = ");
    emit_string(&text, program->title[0] ? program->title : "program");
    gpup_text_printf(&text, ",\n    .area = ");
    emit_string(&text, program->area);
    gpup_text_printf(&text, ",\n");
    emit_world(&text, &program->world);
    if (program->step_count)
        gpup_text_printf(&text, "    .steps = steps,\n    .step_count = %zu,\n", program->step_count);
    gpup_text_printf(&text, "};\n\n");
    gpup_text_put(&text, tail, sizeof tail - 1);
    return gpup_text_take(&text);
}
