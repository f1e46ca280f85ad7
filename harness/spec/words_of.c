/* Words of the enumerations, for messages and reports. */
#include "gpup/spec.h"
#include "words.h"

static const char *word(const char *const *words, unsigned index) {
    for (unsigned i = 0; words[i]; i++) {
        if (i == index)
            return words[i];
    }
    return "?";
}

const char *gpup_level_name(unsigned level) {
    return word(gpup_words_level, level);
}

const char *gpup_basis_name(unsigned basis) {
    return word(gpup_words_basis, basis);
}

const char *gpup_subject_name(unsigned subject) {
    return word(gpup_words_subject, subject);
}

const char *gpup_observer_name(uint32_t bit) {
    for (unsigned i = 0; i < GPUP_OBSERVER_COUNT; i++) {
        if (bit == UINT32_C(1) << i)
            return gpup_words_observer[i];
    }
    return "?";
}

const char *gpup_table_name(unsigned table) {
    return word(gpup_words_table, table);
}

const char *gpup_gate_name(unsigned gate) {
    return word(gpup_words_gate, gate);
}

const char *gpup_meaning_name(unsigned meaning) {
    return word(gpup_words_meaning, meaning);
}
