/*
 * Text that others wrote - names of implementations, reasons, findings - on its way into a document.
 *
 * Whatever the bytes are, what comes out is UTF-8 on one line, without control characters, without marks that
 * turn the direction of writing, at most TEXT_LIMIT bytes of the input, and with no meaning in the language
 * it is put into. A byte that is no UTF-8 becomes U+FFFD, a control character its number as \x1b or \u202e;
 * what is left out is said.
 */
#ifndef GPUP_REPORTS_TEXT_H
#define GPUP_REPORTS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define TEXT_LIMIT 2048

enum text_form {
    TEXT_PLAIN,    /* a terminal */
    TEXT_XML,      /* element content and attribute values, HTML too */
    TEXT_TAP,      /* the description of a test */
    TEXT_QUOTED,   /* inside the double quotes of YAML */
    TEXT_MARKDOWN, /* running text; for text of our own */
    TEXT_CODE,     /* a code span of Markdown with its backquotes: no markup, mention or link inside */
};

/* NULL is "". */
void text_put(FILE *out, enum text_form form, const char *text);
/* The same with a limit of the caller, in bytes of the input. */
void text_put_short(FILE *out, enum text_form form, const char *text, size_t limit);
/* Each line of the text with something of ours before and behind it. */
void text_put_lines(FILE *out, enum text_form form, const char *lines, const char *before, const char *after);
/* The plain form as a string of its own; NULL: out of memory. */
char *text_copy(const char *text);
bool text_is_plain(const char *text);       /* the plain form is the text itself */
json_t *text_json(const char *text);        /* a JSON string of the plain form */
json_t *text_json_lines(const char *lines); /* a list of them; NULL for NULL */

/* The same as one word of a POSIX shell, so that a command can be copied from a report whatever is in it;
 * malloc'ed, plain form already. */
char *text_shell(const char *text);

#endif
