/* The closed word sets of specs/, in the order of the enumerations in gpup/spec.h; each ends with NULL. */
#ifndef GPUP_SPECC_WORDS_H
#define GPUP_SPECC_WORDS_H

extern const char *const gpup_words_source_kind[];
extern const char *const gpup_words_level[];
extern const char *const gpup_words_basis[];
extern const char *const gpup_words_subject[];
extern const char *const gpup_words_observer[];
extern const char *const gpup_words_table[];
extern const char *const gpup_words_returns[];
extern const char *const gpup_words_gate[];
extern const char *const gpup_words_irql[];
extern const char *const gpup_words_direction[];
extern const char *const gpup_words_meaning[];
extern const char *const gpup_words_per[];

#endif
