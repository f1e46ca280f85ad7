/* Reading --expect. */
#include <gpup/expect.h>

#include <errno.h>
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

/* YYYY-MM-DD, with a month and a day that can be. */
static bool is_date(const char *text) {
    for (unsigned i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    unsigned long month = strtoul(text + 5, NULL, 10), day = strtoul(text + 8, NULL, 10);
    return !text[10] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool take_kind(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    char text[16];
    if (!copy_text(r, node, text, sizeof text, "erratum, waiver or quarantine"))
        return false;
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, gpup_expect_kind_name(i)) == 0) {
            e->kind = (uint8_t)i;
            return true;
        }
    return wrong(r, node, "expected erratum, waiver or quarantine, found '%s'", text);
}

static bool take_rule(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    char text[32];
    if (!copy_text(r, node, text, sizeof text, "the id of a rule"))
        return false;
    e->rule = gpup_rule_find(text);
    e->line = line_of(node);
    e->column = column_of(node);
    return e->rule != GPUP_SPEC_NONE || wrong(r, node, "no rule '%s'; see `gpup-cts list rules`", text);
}

static bool take_reason(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    return copy_text(r, node, e->reason, sizeof e->reason, "a reason");
}

static bool take_until(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    if (!copy_text(r, node, e->until, sizeof e->until, "a date YYYY-MM-DD"))
        return false;
    return is_date(e->until) || wrong(r, node, "expected a date YYYY-MM-DD, found '%s'", e->until);
}

static bool take_program(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    return copy_text(r, node, e->program, sizeof e->program, "a program glob");
}

static bool take_issue(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    return copy_text(r, node, e->issue, sizeof e->issue, "the id of an issue");
}

static bool take_implementation(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    return copy_text(r, node, e->implementation, sizeof e->implementation, "a glob over implementations");
}

static bool take_hash(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    if (!copy_text(r, node, e->hash, sizeof e->hash, "16 to 64 hexadecimal digits"))
        return false;
    size_t length = strlen(e->hash);
    return (length >= 16 && strspn(e->hash, "0123456789abcdef") == length) ||
           wrong(r, node, "expected 16 to 64 digits of 0-9 and a-f, found '%s'", e->hash);
}

static bool take_builds(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    if (!fy_node_is_sequence(node) || fy_node_sequence_item_count(node) != 2)
        return wrong(r, node, "expected the first and the last build, for example [1.2.0, 1.4.9]");
    if (!copy_text(r, fy_node_sequence_get_by_index(node, 0), e->first_build, sizeof e->first_build,
                   "a build") ||
        !copy_text(r, fy_node_sequence_get_by_index(node, 1), e->last_build, sizeof e->last_build, "a build"))
        return false;
    return strverscmp(e->first_build, e->last_build) <= 0 ||
           wrong(r, node, "expected the earlier build first, found '%s' before '%s'", e->first_build,
                 e->last_build);
}

static bool take_approver(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    return copy_text(r, node, e->approver, sizeof e->approver, "a name");
}

static bool take_link(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    return copy_text(r, node, e->link, sizeof e->link, "a link");
}

static bool take_ddi(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    char text[64];
    if (!copy_text(r, node, text, sizeof text, "the name of a DDI, or none"))
        return false;
    e->has_ddi = true;
    e->ddi = strcmp(text, "none") == 0 ? GPUP_SPEC_NONE : gpup_ddi_find(text);
    return e->ddi != GPUP_SPEC_NONE || strcmp(text, "none") == 0 ||
           wrong(r, node, "no DDI '%s'; see `gpup-cts list ddis`; `none`: no call at hand", text);
}

static bool take_key(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    char text[32] = "", *end;
    if (!copy_text(r, node, text, sizeof text, "the key of a finding"))
        return false;
    errno = 0;
    unsigned long long key = strtoull(text, &end, 10);
    e->has_key = true;
    e->key = (uint32_t)key;
    return (!errno && !*end && *text != '-' && key <= UINT32_MAX) ||
           wrong(r, node, "expected the key of a finding as results.json has it, found '%s'", text);
}

static bool take_seen(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    return copy_text(r, node, e->text, sizeof e->text, "a glob over what was seen");
}

#define BIT(kind) (1u << GPUP_EXPECT_##kind)
#define EACH 7u
static const struct key {
    const char *name;
    bool (*take)(struct reading *r, struct fy_node *node, struct gpup_expectation *e);
    unsigned needed, allowed; /* by kinds of entries */
} keys[] = {{"rule", take_rule, EACH, EACH},
            {"kind", take_kind, EACH, EACH},
            {"reason", take_reason, EACH, EACH},
            {"until", take_until, EACH, EACH},
            {"program", take_program, 0, EACH},
            {"issue", take_issue, BIT(ERRATUM), EACH},
            {"implementation", take_implementation, BIT(WAIVER), BIT(WAIVER)},
            {"hash", take_hash, 0, BIT(WAIVER)},
            {"builds", take_builds, 0, BIT(WAIVER)},
            {"approver", take_approver, BIT(WAIVER), BIT(WAIVER)},
            {"link", take_link, BIT(WAIVER), EACH},
            {"ddi", take_ddi, BIT(WAIVER), BIT(WAIVER) | BIT(ERRATUM)},
            {"key", take_key, 0, BIT(WAIVER) | BIT(ERRATUM)},
            {"text", take_seen, 0, BIT(WAIVER) | BIT(ERRATUM)}};
#define KEYS (sizeof keys / sizeof *keys)

/* found[i] is the value of keys[i], or NULL. */
static bool find_keys(struct reading *r, struct fy_node *node, struct fy_node *found[KEYS]) {
    struct fy_node_pair *pair;
    void *position = NULL;
    if (!fy_node_is_mapping(node))
        return wrong(r, node, "expected an entry with rule, kind, reason, until");
    while ((pair = fy_node_mapping_iterate(node, &position)) != NULL) {
        char name[32] = "";
        unsigned i = 0;
        if (!copy_text(r, fy_node_pair_key(pair), name, sizeof name, "a key"))
            return false;
        while (i < KEYS && strcmp(keys[i].name, name) != 0)
            i++;
        if (i == KEYS)
            return wrong(r, fy_node_pair_key(pair),
                         "unknown key '%s'; expected rule, kind, reason, until, program, issue, "
                         "implementation, hash, builds, approver, link, ddi, key or text",
                         name);
        found[i] = fy_node_pair_value(pair);
    }
    return true;
}

static bool complete(struct reading *r, struct fy_node *node, const struct gpup_expectation *e) {
    if (e->kind == GPUP_EXPECT_WAIVER && !*e->hash && !*e->first_build)
        return wrong(r, node,
                     "the waiver has neither 'hash' nor 'builds': it must say which build it is for");
    if (e->kind == GPUP_EXPECT_WAIVER && !e->has_key && !*e->text)
        return wrong(r, node, "the waiver has neither 'key' nor 'text': it must say what the failure is");
    return true;
}

static bool take_entry(struct reading *r, struct fy_node *node, struct gpup_expectation *e) {
    struct fy_node *found[KEYS] = {NULL};
    *e = (struct gpup_expectation){.ddi = GPUP_SPEC_NONE, .line = 1, .column = 1};
    if (!find_keys(r, node, found))
        return false;
    for (unsigned i = 0; i < 2; i++) /* rule and kind; what else there must be depends on the kind */
        if (!found[i])
            return wrong(r, node, "the entry has no '%s'", keys[i].name);
    if (!take_kind(r, found[1], e))
        return false;
    for (unsigned i = 0; i < KEYS; i++) {
        const char *kind = gpup_expect_kind_name(e->kind);
        if (!found[i] && (keys[i].needed >> e->kind & 1))
            return wrong(r, node, "the %s has no '%s'", kind, keys[i].name);
        if (found[i] && !(keys[i].allowed >> e->kind & 1))
            return wrong(r, found[i], "the %s has a '%s', which is not for this kind", kind, keys[i].name);
        if (found[i] && !keys[i].take(r, found[i], e))
            return false;
    }
    return complete(r, node, e);
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

int gpup_expectations_parse(const char *text, size_t size, const char *path, struct gpup_expectations *out,
                            char **errors) {
    struct fy_diag_cfg config;
    struct reading r = {.path = path};
    *out = (struct gpup_expectations){0};
    *errors = NULL;
    snprintf(out->path, sizeof out->path, "%s", path);
    r.out = open_memstream(&r.errors, &r.size);
    if (!r.out)
        return -1;
    fy_diag_cfg_default(&config);
    config.fp = NULL; /* collected, not printed */
    struct fy_diag *diag = fy_diag_create(&config);
    struct fy_parse_cfg parse = {.flags = FYPCF_JSON_NONE, .diag = diag};
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    struct fy_document *document = size ? fy_document_build_from_string(&parse, text, size) : NULL;
    bool ok = false;
    if (document)
        ok = take_list(&r, fy_document_root(document), out);
    else
        library_errors(&r, diag);
    if (!ok && ftell(r.out) == 0)
        fprintf(r.out, "%s:1:1: error: expected a list of expectations\n", path);
    fclose(r.out);
    fy_document_destroy(document);
    fy_diag_destroy(diag);
    if (ok)
        free(r.errors);
    else
        *errors = r.errors;
    if (!ok)
        gpup_expectations_free(out);
    return ok ? 0 : -1;
}

#define LARGEST ((size_t)1 << 20)

int gpup_expectations_load(const char *path, struct gpup_expectations *out, char **errors) {
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(LARGEST) : NULL;
    size_t size = text ? fread(text, 1, LARGEST, file) : 0;
    int rc = -1;
    *out = (struct gpup_expectations){0};
    *errors = NULL;
    const char *why = !file || !text || ferror(file) ? strerror(errno) : NULL;
    why = !why && size == LARGEST ? "expected less than 1 MiB" : why;
    if (!why)
        rc = gpup_expectations_parse(text, size, path, out, errors);
    else if (asprintf(errors, "%s: cannot be read: %s\n", path, why) < 0)
        *errors = NULL;
    if (file)
        fclose(file);
    free(text);
    return rc;
}

void gpup_expectations_free(struct gpup_expectations *expectations) {
    free(expectations->entries);
    expectations->entries = NULL;
    expectations->count = 0;
}
