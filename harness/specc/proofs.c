/* A rule that names a monitor has a stored proof, ID.proof, and a proof has such a rule. */
#include "specc.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int is_proof(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 6 && !strcmp(entry->d_name + length - 6, ".proof");
}

static bool has_proof(struct dirent **entries, int count, const char *id) {
    size_t length = strlen(id);
    for (int i = 0; i < count; i++) {
        if (!strncmp(entries[i]->d_name, id, length) && !strcmp(entries[i]->d_name + length, ".proof"))
            return true;
    }
    return false;
}

static void check_proof(struct specc *sc, const char *name) {
    char *path = specc_format("%s/%s", sc->proofs, name);
    size_t length = strlen(name) - 6;
    const struct rule_row *rule = NULL;
    for (size_t i = 0; i < sc->rule_count; i++) {
        const char *id = sc->rules[i].row.id;
        if (strlen(id) == length && !strncmp(id, name, length))
            rule = &sc->rules[i];
    }
    if (!rule)
        specc_error_at_file(sc, path, "the proof of a rule that does not exist");
    else if (!rule->monitor)
        specc_error_at_file(sc, path, "its rule names no monitor, expected one");
    free(path);
}

void specc_check_proofs(struct specc *sc) {
    struct dirent **entries = NULL;
    int count = scandir(sc->proofs, &entries, is_proof, alphasort);
    if (count < 0)
        specc_error_at_file(sc, sc->proofs, "the folder of the proofs cannot be read");
    for (size_t i = 0; i < sc->rule_count; i++) {
        const struct rule_row *rule = &sc->rules[i];
        if (rule->monitor && !has_proof(entries, count, rule->row.id))
            specc_error(sc, specc_get(rule->node, "monitor"),
                        "rule %s has a monitor, but no proof %s/%s.proof", rule->row.id, sc->proofs,
                        rule->row.id);
    }
    for (int i = 0; i < count; i++) {
        check_proof(sc, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}
