/* Finds and reads the YAML files, and hashes what they say. */
#include "specc.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_yaml(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && !strcmp(entry->d_name + length - 5, ".yaml");
}

/* Reads one file; a table that is not there at all is an error of its own. */
static void load_file(struct specc *sc, const char *name) {
    /* The default diagnostics go to stderr, as file:line:col with the source line and a caret. */
    static const struct fy_parse_cfg config = {.flags = FYPCF_COLOR_NONE};
    char *path = specc_format("%s/%s", sc->specs, name);
    struct stat status;
    if (stat(path, &status) != 0) {
        specc_error_at_file(sc, path, "the file is missing");
        free(path);
        return;
    }
    struct file *file = SPECC_ADD(sc->files, sc->file_count);
    file->name = specc_format("%s", name);
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    file->stem = specc_format("%.*s", (int)(strlen(base) - 5), base);
    file->document = fy_document_build_from_file(&config, path);
    if (file->document)
        file->root = fy_document_root(file->document);
    else
        sc->errors++;
    if (file->document && !file->root)
        specc_error_at_file(sc, path, "the file is empty, expected a list or a mapping");
    free(path);
}

static void load_folder(struct specc *sc, const char *folder) {
    struct dirent **entries = NULL;
    char *path = specc_format("%s/%s", sc->specs, folder);
    int count = scandir(path, &entries, is_yaml, alphasort);
    for (int i = 0; i < count; i++) {
        char *name = specc_format("%s/%s", folder, entries[i]->d_name);
        load_file(sc, name);
        free(name);
        free(entries[i]);
    }
    free(entries);
    free(path);
}

/* FNV-1a over kind, length and text of every node in order: comments, quoting and layout do not count. */
static void hash_bytes(struct specc *sc, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        sc->hash = (sc->hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void hash_text(struct specc *sc, char kind, const char *text) {
    hash_bytes(sc, &kind, 1);
    hash_bytes(sc, text, strlen(text) + 1);
}

static void hash_node(struct specc *sc, struct fy_node *node) {
    void *position = NULL;
    if (node && fy_node_is_sequence(node)) {
        struct fy_node *item;
        hash_text(sc, '[', "");
        while ((item = fy_node_sequence_iterate(node, &position)) != NULL)
            hash_node(sc, item);
        hash_text(sc, ']', "");
    } else if (node && fy_node_is_mapping(node)) {
        struct fy_node_pair *pair;
        hash_text(sc, '{', "");
        while ((pair = fy_node_mapping_iterate(node, &position)) != NULL) {
            hash_node(sc, fy_node_pair_key(pair));
            hash_node(sc, fy_node_pair_value(pair));
        }
        hash_text(sc, '}', "");
    } else {
        const char *text = node ? fy_node_get_scalar0(node) : NULL;
        hash_text(sc, '=', text ? text : "");
    }
}

void specc_load(struct specc *sc) {
    static const char *const tables[] = {"sources", "statuses", "structures", "ddis", "defects"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *name = specc_format("%s.yaml", tables[i]);
        load_file(sc, name);
        free(name);
    }
    load_folder(sc, "machines");
    load_folder(sc, "rules");
    sc->hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sc->file_count; i++) {
        hash_text(sc, '#', sc->files[i].name);
        hash_node(sc, sc->files[i].root);
    }
}

struct file *specc_file(struct specc *sc, const char *name) {
    for (size_t i = 0; i < sc->file_count; i++) {
        if (!strcmp(sc->files[i].name, name))
            return &sc->files[i];
    }
    return NULL;
}
