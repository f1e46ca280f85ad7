/* A YAML program: the document and its top-level keys. */
#include "yaml.h"
#include <stdlib.h>
#include <string.h>

static void read_words(struct gpup_yaml *yaml, struct fy_node *node, char *out, size_t capacity) {
    size_t size = 0;
    if (!node)
        return;
    const char *text = gpup_yaml_scalar(node, &size);
    bool good = text && size < capacity;
    for (size_t i = 0; good && i < size; i++)
        good = (unsigned char)text[i] >= 0x20 && text[i] != 0x7F;
    if (!good) {
        gpup_yaml_expected(yaml, node,
                           capacity > 20 ? "one line of at most 119 bytes" : "one line of at most 15 bytes");
        return;
    }
    memcpy(out, text, size);
    out[size] = 0;
}

static void read_document(struct gpup_yaml *yaml, struct fy_node *root) {
    static const char *const keys[] = {"title", "area", "world", "steps", NULL};
    struct fy_node *found[4];
    if (!root || !fy_node_is_mapping(root)) {
        gpup_yaml_expected(yaml, root, "a mapping with title, area, world and steps");
        return;
    }
    gpup_yaml_mapping(yaml, root, keys, found);
    read_words(yaml, found[0], yaml->program->title, sizeof yaml->program->title);
    read_words(yaml, found[1], yaml->program->area, sizeof yaml->program->area);
    if (found[2])
        gpup_yaml_world(yaml, found[2]);
    if (found[3])
        gpup_yaml_steps(yaml, found[3]);
    else if (!yaml->failed)
        gpup_yaml_error(yaml, root, "expected a key 'steps', found none");
}

/* Length of the UTF-8 character at the front, 0 when it is none, or one that no text file has. */
static size_t character(const unsigned char *text, size_t size) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80       ? 1
                    : text[0] >> 5 == 6  ? 2
                    : text[0] >> 4 == 14 ? 3
                    : text[0] >> 3 == 30 ? 4
                                         : 0;
    if (length == 0 || length > size)
        return 0;
    if (length == 1)
        return text[0] >= 0x20 || text[0] == '\t' || text[0] == '\n' || text[0] == '\r' ? 1 : 0;
    uint32_t code = text[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (text[i] >> 6 != 2)
            return 0;
        code = code << 6 | (text[i] & 0x3F);
    }
    return code < least[length] || code > 0x10FFFF || code >> 11 == 0x1B ? 0 : length;
}

/* The library expects text; anything else is told here, so that its behaviour on broken bytes does not
 * matter. */
static bool is_text(struct gpup_yaml *yaml) {
    unsigned line = 1, column = 1;
    for (size_t at = 0, length; at < yaml->size; at += length) {
        length = character((const unsigned char *)yaml->text + at, yaml->size - at);
        if (length == 0) {
            gpup_text_printf(yaml->errors, "%s:%u:%u: error: expected UTF-8 text, found byte 0x%02x\n",
                             yaml->name, line, column, (unsigned char)yaml->text[at]);
            yaml->failed = true;
            return false;
        }
        column++;
        if (yaml->text[at] == '\n') {
            line++;
            column = 1;
        }
    }
    return true;
}

/* One document; a second is asked for only to find what is wrong behind the first. */
static void read_documents(struct gpup_yaml *yaml, struct fy_parser *parser) {
    struct fy_document *document = fy_parse_load_document(parser);
    if (document) {
        read_document(yaml, fy_document_root(document));
        struct fy_document *second = fy_parse_load_document(parser);
        if (second)
            gpup_yaml_error(yaml, fy_document_root(second), "expected one document, found a second");
        fy_parse_document_destroy(parser, second);
    }
    gpup_yaml_library_errors(yaml);
    if (!document && !yaml->failed)
        gpup_yaml_message(yaml, 0, 0, "expected a YAML document, found none");
    fy_parse_document_destroy(parser, document);
}

static void read_text(struct gpup_yaml *yaml) {
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.colorize = false;
    yaml->diag = fy_diag_create(&diag_config);
    if (!yaml->diag) {
        gpup_yaml_message(yaml, 0, 0, "no memory");
        return;
    }
    fy_diag_set_collect_errors(yaml->diag, true);
    const struct fy_parse_cfg config = {.flags = FYPCF_JSON_NONE, .diag = yaml->diag};
    struct fy_parser *parser = fy_parser_create(&config);
    if (parser && fy_parser_set_string(parser, yaml->text, yaml->size) == 0)
        read_documents(yaml, parser);
    else
        gpup_yaml_message(yaml, 0, 0, "no memory");
    fy_parser_destroy(parser);
    fy_diag_destroy(yaml->diag);
}

int gpup_program_parse(const char *text, size_t size, const char *name, struct gpup_program *out,
                       char **errors) {
    struct gpup_text messages = {0};
    struct gpup_yaml yaml = {.name = name, .text = text, .size = size, .errors = &messages, .program = out};
    *out = (struct gpup_program){0};
    gpup_world_defaults(&out->world);
    if (is_text(&yaml))
        read_text(&yaml);
    if (yaml.failed && messages.size == 0)
        gpup_yaml_message(&yaml, 0, 0, "expected a program, found something else"); /* never silent */
    if (yaml.failed)
        gpup_program_free(out);
    char *collected = gpup_text_take(&messages);
    if (errors && yaml.failed)
        *errors = collected;
    else
        free(collected);
    if (errors && !yaml.failed)
        *errors = NULL;
    return yaml.failed ? -1 : 0;
}
