/*
 * gpup-specc: compiles specs/ into spec_ids.h and spec_tables.c.
 *
 * Exit status: 0 written (or already up to date), 2 wrong usage or errors in the specification, 3 the output
 * could not be written.
 */
#include "specc.h"
#include <string.h>

static bool options(struct specc *sc, int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--specs"))
            sc->specs = argv[i + 1];
        else if (!strcmp(argv[i], "--proofs"))
            sc->proofs = argv[i + 1];
        else if (!strcmp(argv[i], "--out"))
            sc->out = argv[i + 1];
        else
            return false;
    }
    return argc == 7 && sc->specs && sc->proofs && sc->out;
}

static void compile(struct specc *sc) {
    specc_load(sc);
    if (sc->errors) /* with a file missing every reference into it would be an error too */
        return;
    specc_parse_sources(sc);
    specc_parse_statuses(sc);
    specc_parse_structures(sc);
    specc_parse_ddis(sc);
    specc_parse_machines(sc);
    specc_parse_rules(sc);
    specc_parse_defects(sc);
    specc_check_proofs(sc);
}

int main(int argc, char **argv) {
    static struct specc sc; // reachable to the end: what it holds is not freed one by one
    if (!options(&sc, argc, argv)) {
        fputs("usage: gpup-specc --specs DIR --proofs DIR --out DIR\n", stderr);
        return 2;
    }
    compile(&sc);
    if (sc.errors) {
        fprintf(stderr, "gpup-specc: %d error%s\n", sc.errors, sc.errors == 1 ? "" : "s");
        return 2;
    }
    if (!specc_write(&sc, "spec_ids.h", specc_emit_ids) ||
        !specc_write(&sc, "spec_tables.c", specc_emit_tables))
        return 3;
    return 0;
}
