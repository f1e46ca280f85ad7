/* YAML text of a program: canonical, so that equal programs have equal text. */
#include "text.h"
#include <string.h>

struct list { /* `{a: 1, b: 2}` in the making */
    struct gpup_text *text;
    const char *open;
    bool used;
};

static void item(struct list *list, const char *name) {
    gpup_text_printf(list->text, "%s%s: ", list->used ? ", " : list->open, name);
    list->used = true;
}

static void close_list(struct list *list) {
    if (list->used)
        gpup_text_put(list->text, "}", 1);
}

static void number_item(struct list *list, const char *name, uint64_t value, uint64_t standard) {
    if (value == standard)
        return;
    item(list, name);
    gpup_text_number(list->text, value);
}

static void bool_item(struct list *list, const char *name, bool value, bool standard) {
    if (value == standard)
        return;
    item(list, name);
    gpup_text_printf(list->text, "%s", value ? "true" : "false");
}

void gpup_text_step(struct gpup_text *text, const struct gpup_step *given) {
    struct gpup_step step = *given;
    gpup_step_clamp(&step);
    const struct gpup_op_info *info = gpup_op_info(step.op);
    struct list list = {.text = text, .open = ": {"};
    gpup_text_printf(text, "%s", info->name);
    number_item(&list, "host", step.host, 0);
    number_item(&list, "vf", step.vf, 0);
    for (unsigned i = 0; i < info->field_count; i++) {
        if (step.f[i].symbol == GPUP_SYMBOL_NONE && step.f[i].number == info->field[i].value)
            continue;
        item(&list, info->field[i].name);
        gpup_text_value(text, info->field[i].kind, step.f[i]);
    }
    if (step.class != GPUP_LEGAL) {
        item(&list, "class");
        gpup_text_printf(text, "%s", gpup_class_name(step.class));
    }
    close_list(&list);
}

int gpup_step_print(const struct gpup_step *step, char *out, size_t capacity) {
    struct gpup_text text = {.bytes = out, .capacity = capacity, .fixed = true};
    gpup_text_put(&text, "- ", 2);
    gpup_text_step(&text, step);
    return (int)text.size;
}

static void print_msix(struct gpup_text *text, struct list *world, const struct gpup_world_config *config,
                       const struct gpup_world_config *standard) {
    struct list list = {.text = text, .open = "{"};
    if (config->msix_entries == standard->msix_entries && config->msix_bar == standard->msix_bar &&
        config->msix_offset == standard->msix_offset)
        return;
    item(world, "msix");
    number_item(&list, "entries", config->msix_entries, standard->msix_entries);
    number_item(&list, "bar", config->msix_bar, standard->msix_bar);
    number_item(&list, "offset", config->msix_offset, standard->msix_offset);
    close_list(&list);
}

static void print_world(struct gpup_text *text, const struct gpup_world_config *given) {
    struct gpup_world_config config = *given, standard;
    struct list list = {.text = text, .open = "world: {"};
    gpup_world_clamp(&config);
    gpup_world_defaults(&standard);
    number_item(&list, "hosts", config.hosts, standard.hosts);
    number_item(&list, "vfs", config.vfs, standard.vfs);
    number_item(&list, "partitions", config.partitions, standard.partitions);
    number_item(&list, "segments", config.segments, standard.segments);
    print_msix(text, &list, &config, &standard);
    number_item(&list, "page_size", config.page_size, standard.page_size);
    bool_item(&list, "performant", config.performant, standard.performant);
    number_item(&list, "vram_mib", config.vram_mib, standard.vram_mib);
    number_item(&list, "reserve_kib", config.reserve_kib, standard.reserve_kib);
    number_item(&list, "seed", config.seed, standard.seed);
    number_item(&list, "fill", config.fill, standard.fill);
    bool_item(&list, "preempt", config.preempt, standard.preempt);
    bool_item(&list, "scatter", config.scatter, standard.scatter);
    bool_item(&list, "uneven", config.uneven, standard.uneven);
    bool_item(&list, "reserved", config.reserved, standard.reserved);
    bool_item(&list, "untracked", config.untracked, standard.untracked);
    number_item(&list, "bus", config.bus, standard.bus);
    bool_item(&list, "one_system", config.one_system, standard.one_system);
    close_list(&list);
    if (list.used)
        gpup_text_put(text, "\n", 1);
}

/* True for a text that YAML reads as itself without quotes. */
static bool is_plain(const char *words) {
    size_t size = strlen(words);
    for (const char *c = words; *c; c++)
        if (*c < 0x20 || *c > 0x7E)
            return false;
    if (!((words[0] >= 'A' && words[0] <= 'Z') || (words[0] >= 'a' && words[0] <= 'z')) ||
        words[size - 1] == ' ')
        return false;
    return !strstr(words, ": ") && !strstr(words, " #") && words[size - 1] != ':';
}

static void print_words(struct gpup_text *text, const char *key, const char *words) {
    if (!words[0])
        return;
    gpup_text_printf(text, is_plain(words) ? "%s: " : "%s: \"", key);
    for (const char *c = words; *c; c++) {
        if (!is_plain(words) && (*c == '"' || *c == '\\'))
            gpup_text_put(text, "\\", 1);
        gpup_text_put(text, (unsigned char)*c < 0x20 ? " " : c, 1); /* one line, whatever was put there */
    }
    gpup_text_printf(text, is_plain(words) ? "\n" : "\"\n");
}

char *gpup_program_print(const struct gpup_program *program) {
    struct gpup_text text = {0};
    print_words(&text, "title", program->title);
    print_words(&text, "area", program->area);
    print_world(&text, &program->world);
    gpup_text_printf(&text, program->step_count ? "steps:\n" : "steps: []\n");
    for (size_t i = 0; i < program->step_count; i++) {
        gpup_text_put(&text, "  - ", 4);
        gpup_text_step(&text, &program->steps[i]);
        gpup_text_put(&text, "\n", 1);
    }
    return gpup_text_take(&text);
}
