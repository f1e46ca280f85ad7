/* Proofs: a passing trace in text, and one edit after which the rule must fail. */
#ifndef GPUP_TESTS_PROOF_H
#define GPUP_TESTS_PROOF_H

#include <gpup/trace.h>

#define PROOF_LINES 600
#define PROOF_LINE 8192

struct proof_line {
    char text[PROOF_LINE];
    bool own; /* not from an @include */
};
struct proof {
    struct proof_line *line;
    size_t count, own;
    char edit[PROOF_LINE]; /* without the leading dashes */
    char error[300];
};

/* Reads tests/proofs/NAME.proof; false with `error`. */
bool proof_load(struct proof *proof, const char *folder, const char *name);
/* Carries out the edit; false with `error`. */
bool proof_edit(struct proof *proof);
void proof_free(struct proof *proof);
/* One line to an event; storage holds its data. false with a message. */
bool proof_event(const char *line, struct gpup_event *event, uint8_t *storage, size_t capacity, char *message,
                 size_t size);

#endif
