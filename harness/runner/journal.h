/* Names of the members of a journal line, shared by writer and reader. */
#ifndef GPUP_RUNNER_JOURNAL_H
#define GPUP_RUNNER_JOURNAL_H

#define JOURNAL_FORMAT 1
#define JOURNAL_FILE "events.jsonl"

const char *const *journal_outcomes(void); /* COMPLETE ... CRASH, then NULL */

#endif
