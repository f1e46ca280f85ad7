/* What an expectation speaks of, and what has become of it. */
#include <gpup/expect.h>

#include <fnmatch.h>
#include <string.h>

bool gpup_expectation_applies(const struct gpup_expectation *e, const struct gpup_results *results) {
    if (e->kind != GPUP_EXPECT_WAIVER)
        return true;
    if (fnmatch(e->implementation, results->implementation, 0) != 0)
        return false;
    if (*e->hash && strncmp(e->hash, results->sha256, strlen(e->hash)) != 0)
        return false;
    return !*e->first_build || (*results->build && strverscmp(e->first_build, results->build) <= 0 &&
                                strverscmp(results->build, e->last_build) <= 0);
}

bool gpup_expectation_holds(const struct gpup_expectation *e, const char *today) {
    return strcmp(today, e->until) <= 0;
}

bool gpup_expectation_names_program(const struct gpup_expectation *e, const char *program) {
    return !*e->program || fnmatch(e->program, program, 0) == 0;
}

bool gpup_expectation_names(const struct gpup_expectation *e, const char *program,
                            const struct gpup_finding *finding) {
    return e->rule == finding->rule && gpup_expectation_names_program(e, program) &&
           (!e->has_ddi || e->ddi == finding->ddi) && (!e->has_key || e->key == finding->key) &&
           (!*e->text || fnmatch(e->text, finding->text, 0) == 0);
}

bool gpup_entry_stale(unsigned state) {
    return state >= GPUP_ENTRY_EXPIRED;
}

const char *gpup_entry_words(unsigned state) {
    static const char *const words[] = {"names findings",
                                        "nothing of it was in this part of a run",
                                        "has expired",
                                        "is for another implementation or build",
                                        "names nothing that was judged; take the entry out",
                                        "did not fail; take the entry out"};
    return state < sizeof words / sizeof *words ? words[state] : "?";
}

const char *gpup_expect_kind_name(unsigned kind) {
    static const char *const names[] = {"erratum", "waiver", "quarantine"};
    return kind < sizeof names / sizeof *names ? names[kind] : "?";
}

const char *gpup_expect_verdict_name(unsigned kind) {
    static const char *const names[] = {"ERRATUM", "WAIVED", "QUARANTINED"};
    return kind < sizeof names / sizeof *names ? names[kind] : "?";
}
