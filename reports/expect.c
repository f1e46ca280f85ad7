/* Reading --expect. */
#include <gpup/expect.h>

#include <fnmatch.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const char *path;
    char *errors;
    size_t size;
    FILE *out;
};

static unsigned line_of(struct fy_node *node) {
    struct fy_token *token = fy_node_is_scalar(node) ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark ? (unsigned)mark->line + 1 : 1;
}

static unsigned column_of(struct fy_node *node) {
    struct fy_token *token = fy_node_is_scalar(node) ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark ? (unsigned)mark->column + 1 : 1;
}

/* The first scalar inside a node, so that a message about a whole entry still has a place. */
static struct fy_node *anchor(struct fy_node *node) {
    void *position = NULL;
    if (node && fy_node_is_mapping(node)) {
        struct fy_node_pair *pair = fy_node_mapping_iterate(node, &position);
        return pair ? fy_node_pair_key(pair) : node;
    }
    return node;
}

__attribute__((format(printf, 3, 4))) static bool wrong(struct reading *r, struct fy_node *node,
                                                        const char *format, ...) {
    va_list list;
    node = anchor(node);
    fprintf(r->out, "%s:%u:%u: error: ", r->path, node ? line_of(node) : 1, node ? column_of(node) : 1);
    va_start(list, format);
    vfprintf(r->out, format, list);
    va_end(list);
    fputc('\n', r->out);
    return false;
}

static bool copy_text(struct reading *r, struct fy_node *node, char *out, size_t size, const char *what) {
    size_t length = 0;
    const char *text = node && fy_node_is_scalar(node) ? fy_node_get_scalar(node, &length) : NULL;
    if (!text || length == 0 || length >= size)
        return wrong(r, node, "expected %s of 1 to %zu characters", what, size - 1);
    memcpy(out, text, length);
    out[length] = 0;
    return true;
}

static bool take_kind(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    static const char *const kinds[] = {"erratum", "waiver", "quarantine"};
    char text[16];
    if (!copy_text(r, node, text, sizeof text, "erratum, waiver or quarantine"))
        return false;
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, kinds[i]) == 0) {
            e->kind = (uint8_t)i;
            return true;
        }
    return wrong(r, node, "expected erratum, waiver or quarantine, found '%s'", text);
}

/* YYYY-MM-DD, with a month and a day that can be. */
static bool is_date(const char *text) {
    for (unsigned i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    unsigned long month = strtoul(text + 5, NULL, 10), day = strtoul(text + 8, NULL, 10);
    return !text[10] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool take_date(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    if (!copy_text(r, node, e->until, sizeof e->until, "a date YYYY-MM-DD"))
        return false;
    if (!is_date(e->until))
        return wrong(r, node, "expected a date YYYY-MM-DD, found '%s'", e->until);
    return true;
}

static bool take_rule(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    char text[32];
    if (!copy_text(r, node, text, sizeof text, "the id of a rule"))
        return false;
    e->rule = gpup_rule_find(text);
    e->line = line_of(node);
    return e->rule != GPUP_SPEC_NONE || wrong(r, node, "no rule '%s'; see `gpup-cts list rules`", text);
}

static bool take_entry(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    static const char *const keys[] = {"rule", "kind", "reason", "until", "program"};
    struct fy_node *found[5] = {NULL};
    struct fy_node_pair *pair;
    void *position = NULL;
    *e = (struct gpup_expectation){0};
    if (!fy_node_is_mapping(node))
        return wrong(r, node, "expected an entry with rule, kind, reason, until and optionally program");
    while ((pair = fy_node_mapping_iterate(node, &position)) != NULL) {
        char key[32] = "";
        unsigned i = 0;
        if (!copy_text(r, fy_node_pair_key(pair), key, sizeof key, "a key"))
            return false;
        while (i < 5 && strcmp(keys[i], key) != 0)
            i++;
        if (i == 5)
            return wrong(r, fy_node_pair_key(pair),
                         "unknown key '%s'; expected rule, kind, reason, until or program", key);
        found[i] = fy_node_pair_value(pair);
    }
    for (unsigned i = 0; i < 4; i++)
        if (!found[i])
            return wrong(r, node, "the entry has no '%s'", keys[i]);
    return take_rule(r, found[0], e) && take_kind(r, found[1], e) &&
           copy_text(r, found[2], e->reason, sizeof e->reason, "a reason") && take_date(r, found[3], e) &&
           (!found[4] || copy_text(r, found[4], e->program, sizeof e->program, "a program glob"));
}

static bool take_list(struct reading *r, struct fy_node *root, struct gpup_expectations *out) {
    bool ok = true;
    if (!root || !fy_node_is_sequence(root))
        return wrong(r, root, "expected a list of expectations");
    int count = fy_node_sequence_item_count(root);
    out->entries = calloc((size_t)count + 1, sizeof *out->entries);
    for (int i = 0; out->entries && i < count; i++)
        ok = take_entry(r, fy_node_sequence_get_by_index(root, i), &out->entries[out->count++]) && ok;
    return ok && out->entries;
}

static void library_errors(struct reading *r, struct fy_diag *diag) {
    struct fy_diag_error *error;
    void *position = NULL;
    while (diag && (error = fy_diag_errors_iterate(diag, &position)) != NULL)
        fprintf(r->out, "%s:%d:%d: error: %s\n", r->path, error->line, error->column, error->msg);
}

int gpup_expectations_load(const char *path, struct gpup_expectations *out, char **errors) {
    struct fy_diag_cfg config;
    struct reading r = {.path = path};
    *out = (struct gpup_expectations){0};
    *errors = NULL;
    snprintf(out->path, sizeof out->path, "%s", path);
    r.out = open_memstream(&r.errors, &r.size);
    if (!r.out)
        return -1;
    fy_diag_cfg_default(&config);
    struct fy_diag *diag = fy_diag_create(&config);
    FILE *file = fopen(path, "rb");
    struct fy_parse_cfg parse = {.flags = FYPCF_COLLECT_DIAG | FYPCF_QUIET, .diag = diag};
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    struct fy_document *document = file ? fy_document_build_from_fp(&parse, file) : NULL;
    bool ok = false;
    if (!file)
        fprintf(r.out, "%s: cannot be read\n", path);
    else if (!document)
        library_errors(&r, diag);
    else
        ok = take_list(&r, fy_document_root(document), out);
    fclose(r.out);
    fy_document_destroy(document);
    fy_diag_destroy(diag);
    if (file)
        fclose(file);
    if (ok)
        free(r.errors);
    else
        *errors = r.errors;
    if (!ok)
        gpup_expectations_free(out);
    return ok ? 0 : -1;
}

void gpup_expectations_free(struct gpup_expectations *expectations) {
    free(expectations->entries);
    expectations->entries = NULL;
    expectations->count = 0;
}

int gpup_expectations_match(const struct gpup_expectations *expectations, uint16_t rule, const char *program,
                            const char *today) {
    for (size_t i = 0; i < expectations->count; i++) {
        const struct gpup_expectation *e = &expectations->entries[i];
        bool named = e->rule == rule && (!*e->program || fnmatch(e->program, program, 0) == 0);
        if (named && strcmp(today, e->until) <= 0)
            return (int)i;
    }
    return -1;
}
