#include "oracles.h"

#include <string.h>

bool fuzz_oracles_parse(const char *text, unsigned *oracles) {
    static const struct {
        const char *word;
        unsigned oracles;
    } words[] = {
        {"recovery", FUZZ_ORACLE_RECOVERY}, {"twin", FUZZ_ORACLE_TWIN}, {"all", FUZZ_ORACLES}, {"none", 0}};
    *oracles = 0;
    for (size_t length; *text; text += length + (text[length] == ',')) {
        size_t i = 0;
        length = strcspn(text, ",");
        while (i < sizeof words / sizeof *words &&
               (strlen(words[i].word) != length || memcmp(words[i].word, text, length) != 0))
            i++;
        if (i == sizeof words / sizeof *words)
            return false;
        *oracles |= words[i].oracles;
    }
    return true;
}

bool fuzz_oracles_due(const struct gpup_program *program, uint32_t share) {
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < program->step_count && share > 1; i++) {
        const struct gpup_step *s = &program->steps[i];
        h = (h ^ (s->op | (uint64_t)s->vf << 16 | (uint64_t)s->host << 48)) * 0x100000001B3u;
        for (unsigned field = 0; field < GPUP_STEP_FIELDS; field++)
            h = (h ^ s->f[field].number ^ (uint64_t)s->f[field].symbol << 56) * 0x100000001B3u;
    }
    return share <= 1 || (h ^ h >> 29) % share == 0;
}

bool fuzz_oracles_compare(const struct twin *first, const struct twin *other, const struct twin *again,
                          struct gpup_event *out) {
    struct twin_output place = {0}, ignored;
    bool equal = twin_equal(first, other, &place);
    bool steady = !again || twin_equal(other, again, &ignored);
    if (first->failed || other->failed || (again && again->failed) || (!equal && !again))
        return false;
    *out = (struct gpup_event){.kind = GPUP_EVENT_TWIN, .step = GPUP_NO_STEP};
    out->f[GPUP_TWIN_what] = steady ? 1 : 2; /* other bytes in memory; the same once more */
    out->f[GPUP_TWIN_equal] = equal;
    out->f[GPUP_TWIN_call] = place.call;
    out->f[GPUP_TWIN_ddi] = place.ddi;
    return true;
}
