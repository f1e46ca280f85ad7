/* The examples for build servers: what they call exists, and the files that they take are written. */
#include <gpup/reports.h>

#include <libfyaml.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka.h needs the ones above
#include <cmocka.h>

static const char *const examples[] = {"github.yml", "gitlab.yml", "azure.yml"};
static char help[16384];
static unsigned commands, documents, scripts;

static void walk(struct fy_node *node);

static struct fy_document *open_example(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", GPUP_EXAMPLES, name);
    struct fy_document *document = fy_document_build_from_file(NULL, path);
    if (!document)
        fail_msg("%s cannot be read", path);
    return document;
}

/* A word as the help lists it: after two spaces at the start of a line, or anywhere as an option. */
static void known(const char *word, bool option) {
    char wanted[80];
    snprintf(wanted, sizeof wanted, option ? "%s" : "\n  %s ", word);
    if (!strstr(help, wanted))
        fail_msg("'%s' is in the examples and not in the help", word);
}

/* One call of cts: its word and its options. */
static void check_command(const char *text) {
    char line[1024], *rest = NULL;
    snprintf(line, sizeof line, "%s", text);
    line[strcspn(line, "\n")] = 0;
    char *word = strtok_r(line, " ", &rest);
    assert_non_null(word);
    known(word, false);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL)
        if (strncmp(word, "--", 2) == 0)
            known(word, true);
    commands++;
}

/* out/FILE: a document of a report. */
static void check_document(const char *text) {
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.");
    bool found = length == 0;
    for (size_t i = 0; i < gpup_writer_count; i++)
        found =
            found || (strlen(gpup_writers[i].file) == length && !memcmp(text, gpup_writers[i].file, length));
    if (!found)
        fail_msg("out/%.*s: no writer makes it", (int)length, text);
    documents += length != 0;
}

static char *text_of(struct fy_node *node) {
    size_t size;
    const char *value = fy_node_get_scalar(node, &size);
    char *text = strndup(value ? value : "", value ? size : 0);
    assert_non_null(text);
    return text;
}

static void scalar(struct fy_node *node) {
    char *text = text_of(node);
    for (const char *at = text; (at = strstr(at, "gpup-cts/cts ")) != NULL;)
        check_command(at += strlen("gpup-cts/cts "));
    for (const char *at = text; (at = strstr(at, "out/")) != NULL;)
        check_document(at += strlen("out/"));
    free(text);
}

/* What a build server gives to a shell is something that a shell can read. */
static void check_shell(struct fy_node *node) {
    void *position = NULL;
    struct fy_node *item;
    if (fy_node_is_sequence(node))
        while ((item = fy_node_sequence_iterate(node, &position)) != NULL)
            check_shell(item);
    if (!fy_node_is_scalar(node))
        return;
    char *text = text_of(node);
    FILE *shell = popen("sh -n", "w");
    assert_non_null(shell);
    fprintf(shell, "%s\n", text);
    if (pclose(shell) != 0)
        fail_msg("no shell reads: %s", text);
    scripts++;
    free(text);
}

static bool is_script(struct fy_node *key) {
    static const char *const names[] = {"run", "script", "before_script", "bash"};
    char *name = text_of(key);
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        found = found || strcmp(name, names[i]) == 0;
    free(name);
    return found;
}

static void walk_pair(struct fy_node_pair *pair) {
    if (is_script(fy_node_pair_key(pair)))
        check_shell(fy_node_pair_value(pair));
    walk(fy_node_pair_value(pair));
}

static void walk(struct fy_node *node) {
    void *position = NULL;
    struct fy_node_pair *pair;
    struct fy_node *item;
    if (!node)
        return;
    if (fy_node_is_scalar(node))
        scalar(node);
    else if (fy_node_is_mapping(node))
        while ((pair = fy_node_mapping_iterate(node, &position)) != NULL)
            walk_pair(pair);
    else
        while ((item = fy_node_sequence_iterate(node, &position)) != NULL)
            walk(item);
}

static void what_they_name_exists(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct fy_document *document = open_example(examples[i]);
        commands = documents = scripts = 0;
        walk(fy_document_root(document));
        fy_document_destroy(document);
        if (!commands || !documents || scripts < 2)
            fail_msg("%s: %u commands of cts, %u documents, %u scripts", examples[i], commands, documents,
                     scripts);
    }
}

/* Azure: each step does one thing, and has only keys that a step has. */
static void azure_steps(void **state) {
    static const char *const kinds[] = {"script", "bash", "task", "checkout", "publish", NULL},
                             *const others[] = {"displayName", "condition", "inputs", "artifact",
                                                "submodules",  "env",       NULL};
    (void)state;
    struct fy_document *document = open_example("azure.yml");
    struct fy_node *steps = fy_node_mapping_lookup_by_string(fy_document_root(document), "steps", FY_NT),
                   *step;
    void *position = NULL;
    assert_true(steps && fy_node_is_sequence(steps));
    while ((step = fy_node_sequence_iterate(steps, &position)) != NULL) {
        unsigned kind = 0, other = 0;
        for (size_t i = 0; kinds[i]; i++)
            kind += fy_node_mapping_lookup_by_string(step, kinds[i], FY_NT) != NULL;
        for (size_t i = 0; others[i]; i++)
            other += fy_node_mapping_lookup_by_string(step, others[i], FY_NT) != NULL;
        assert_int_equal(kind, 1);
        assert_int_equal(kind + other, fy_node_mapping_item_count(step));
    }
    fy_document_destroy(document);
}

static int read_help(void **state) {
    (void)state;
    FILE *pipe = popen(GPUP_TEST_TOOL " help", "r");
    size_t size = pipe ? fread(help, 1, sizeof help - 1, pipe) : 0;
    help[size] = 0;
    return pipe && pclose(pipe) == 0 ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_they_name_exists),
                                       cmocka_unit_test(azure_steps)};
    return cmocka_run_group_tests(tests, read_help, NULL) ? 1 : 0;
}
