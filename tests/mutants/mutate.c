#include "mutate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_WORD, TOKEN_NUMBER, TOKEN_PUNCTUATION };
struct token {
    size_t at, length;
    unsigned line, kind;
    bool dead; /* only a seeded fault reaches it */
};

struct source {
    const char *name, *text;
    size_t size;
    struct token *token;
    size_t count;
    char function[64];
    unsigned number[MUTANT_KINDS]; /* in the function */
    struct mutant **list;
    size_t *found;
};

static bool is(const struct source *s, size_t i, const char *word) {
    return i < s->count && s->token[i].length == strlen(word) &&
           memcmp(s->text + s->token[i].at, word, s->token[i].length) == 0;
}

static bool among(const struct source *s, size_t i, const char *const *words) {
    for (; *words; words++)
        if (is(s, i, *words))
            return true;
    return false;
}

/* Comments, strings, characters and preprocessor lines are no tokens. Returns the place after what starts at
 * `at`. */
static size_t skip(const char *t, size_t at, size_t size) {
    if (t[at] == '#' && (at == 0 || t[at - 1] == '\n')) {
        while (at < size && (t[at] != '\n' || t[at - 1] == '\\'))
            at++;
    } else if (t[at] == '/' && at + 1 < size && t[at + 1] == '*') {
        for (at += 2; at + 1 < size && !(t[at] == '*' && t[at + 1] == '/'); at++)
            ;
        at += 2;
    } else if (t[at] == '/' && at + 1 < size && t[at + 1] == '/') {
        while (at < size && t[at] != '\n')
            at++;
    } else if (t[at] == '"' || t[at] == '\'') {
        char quote = t[at];
        for (at++; at < size && t[at] != quote; at++)
            at += t[at] == '\\';
        at++;
    } else if (isspace((unsigned char)t[at])) {
        at++;
    }
    return at < size ? at : size;
}

static size_t token_length(const char *t, size_t at, size_t size) {
    static const char *const long_ones[] = {"<<=", ">>=", "...", "->", "++", "--", "<<", ">>",
                                            "<=",  ">=",  "==",  "!=", "&&", "||", "+=", "-=",
                                            "*=",  "/=",  "%=",  "&=", "|=", "^=", NULL};
    size_t length = 1;
    if (isalnum((unsigned char)t[at]) || t[at] == '_') {
        while (at + length < size && (isalnum((unsigned char)t[at + length]) || t[at + length] == '_'))
            length++;
        return length;
    }
    for (const char *const *w = long_ones; *w; w++)
        if (at + strlen(*w) <= size && memcmp(t + at, *w, strlen(*w)) == 0)
            return strlen(*w);
    return length;
}

static bool scan(struct source *s) {
    unsigned line = 1;
    for (size_t at = 0, next; at < s->size; at = next) {
        next = skip(s->text, at, s->size);
        for (size_t i = at; i < next; i++)
            line += s->text[i] == '\n';
        if (next > at)
            continue;
        struct token *grown = realloc(s->token, (s->count + 1) * sizeof *grown);
        if (!grown)
            return false;
        s->token = grown;
        size_t length = token_length(s->text, at, s->size);
        unsigned kind = isdigit((unsigned char)s->text[at])                         ? TOKEN_NUMBER
                        : isalpha((unsigned char)s->text[at]) || s->text[at] == '_' ? TOKEN_WORD
                                                                                    : TOKEN_PUNCTUATION;
        grown[s->count++] = (struct token){.at = at, .length = length, .line = line, .kind = kind};
        next = at + length;
    }
    return true;
}

/* Token after the bracket that closes the one at i. */
static size_t after_brackets(const struct source *s, size_t i, const char *open, const char *close) {
    int depth = 0;
    for (; i < s->count; i++) {
        depth += is(s, i, open);
        depth -= is(s, i, close);
        if (depth == 0)
            return i + 1;
    }
    return s->count;
}

static size_t after_statement(const struct source *s, size_t i) {
    if (is(s, i, "{"))
        return after_brackets(s, i, "{", "}");
    while (i < s->count && !is(s, i, ";"))
        i = is(s, i, "(")   ? after_brackets(s, i, "(", ")")
            : is(s, i, "{") ? after_brackets(s, i, "{", "}")
                            : i + 1;
    return i + 1 < s->count ? i + 1 : s->count;
}

/* The statement around a DEFECT(...), with the one it controls. */
static void mark_dead(struct source *s) {
    for (size_t i = 0; i < s->count; i++) {
        if (!is(s, i, "DEFECT"))
            continue;
        size_t from = i, to = after_brackets(s, i + 1, "(", ")");
        while (from > 0 && !is(s, from - 1, ";") && !is(s, from - 1, "{") && !is(s, from - 1, "}"))
            from--;
        if (is(s, from, "if")) /* from here on the condition, then what it controls */
            to = after_statement(s, after_brackets(s, from + 1, "(", ")"));
        else
            to = after_statement(s, to);
        for (size_t k = from; k < to; k++)
            s->token[k].dead = true;
    }
}

static void one_line(char *out, size_t capacity, const char *text, size_t length) {
    size_t n = 0;
    for (size_t i = 0; i < length && n + 1 < capacity; i++) {
        bool space = isspace((unsigned char)text[i]);
        if (!space || (n && out[n - 1] != ' '))
            out[n++] = (char)(space ? ' ' : text[i]);
    }
    out[n] = 0;
}

static bool add(struct source *s, enum mutant_kind kind, size_t from, size_t to, const char *with) {
    static const char *const names[] = {"relation", "off-by-one", "dropped", "lock", "negated"};
    struct mutant *grown = realloc(*s->list, (*s->found + 1) * sizeof *grown);
    if (!grown)
        return false;
    *s->list = grown;
    struct mutant *m = &grown[(*s->found)++];
    char old[80];
    *m = (struct mutant){.at = s->token[from].at, .line = s->token[from].line, .kind = kind};
    m->length = s->token[to].at + s->token[to].length - m->at;
    one_line(old, sizeof old, s->text + m->at, m->length);
    snprintf(m->with, sizeof m->with, "%s", with);
    snprintf(m->id, sizeof m->id, "%s:%s:%s:%u", s->name, s->function, names[kind], ++s->number[kind]);
    snprintf(m->change, sizeof m->change, "%s -> %.70s", old, *with ? with : "(nothing)");
    return true;
}

static bool relation(struct source *s, size_t i) {
    static const char *const turned[][2] = {{"<", "<="}, {"<=", "<"},  {">", ">="},
                                            {">=", ">"}, {"==", "!="}, {"!=", "=="}};
    for (size_t k = 0; k < sizeof turned / sizeof *turned; k++)
        if (is(s, i, turned[k][0]))
            return add(s, MUTANT_RELATION, i, i, turned[k][1]);
    return true;
}

static bool number(struct source *s, size_t i) {
    char with[80], old[60];
    if (is(s, i - 1, "case") || s->token[i].length >= sizeof old)
        return true;
    snprintf(old, sizeof old, "%.*s", (int)s->token[i].length, s->text + s->token[i].at);
    bool minus = (s->number[MUTANT_OFF_BY_ONE] & 1) && strtoull(old, NULL, 0) > 0; /* in turns */
    snprintf(with, sizeof with, "(%s %c 1)", old, minus ? '-' : '+');
    return add(s, MUTANT_OFF_BY_ONE, i, i, with);
}

static bool negated(struct source *s, size_t i) {
    char with[160];
    size_t last = after_brackets(s, i + 1, "(", ")") - 1;
    size_t at = s->token[i + 1].at, length = s->token[last].at + 1 - at;
    if (length + 8 > sizeof with)
        return true;
    snprintf(with, sizeof with, "(!%.*s)", (int)length, s->text + at);
    return add(s, MUTANT_NEGATED, i + 1, last, with);
}

static bool dropped(struct source *s, size_t i) {
    static const char *const keywords[] = {"if",       "for",    "while", "do",       "switch", "case",
                                           "default",  "return", "break", "continue", "struct", "const",
                                           "unsigned", "static", "else",  "goto",     "char",   "int",
                                           "bool",     "void",   NULL};
    static const char *const locks[] = {"Acquire", "Release", "FastMutex", "SpinLock", NULL};
    static const char *const follows[] = {"(",  "=",  "->", ".",  "[",  "++", "--",
                                          "+=", "-=", "|=", "&=", "^=", NULL};
    bool starts = is(s, i - 1, ";") || is(s, i - 1, "{") || is(s, i - 1, "}") || is(s, i - 1, ")");
    if (!starts || s->token[i].kind != TOKEN_WORD || among(s, i, keywords) || !among(s, i + 1, follows))
        return true;
    size_t last = after_statement(s, i) - 1;
    if (!is(s, last, ";"))
        return true;
    bool lock = false;
    for (size_t k = i; k < last; k++)
        for (const char *const *w = locks; *w; w++)
            lock = lock || (is(s, k + 1, "(") &&
                            memmem(s->text + s->token[k].at, s->token[k].length, *w, strlen(*w)));
    return add(s, lock ? MUTANT_LOCK : MUTANT_DROPPED, i, last, ";");
}

static bool one_token(struct source *s, size_t i) {
    if (s->token[i].dead)
        return true;
    if (s->token[i].kind == TOKEN_NUMBER)
        return number(s, i);
    if (is(s, i, "if") && is(s, i + 1, "("))
        return negated(s, i) && dropped(s, i);
    return relation(s, i) && dropped(s, i);
}

/* At the top level: remembers the word before "(" that may be a function's name. */
static void outside(struct source *s, size_t i) {
    if (is(s, i + 1, "(") && s->token[i].kind == TOKEN_WORD) {
        snprintf(s->function, sizeof s->function, "%.*s", (int)s->token[i].length, s->text + s->token[i].at);
        memset(s->number, 0, sizeof s->number);
    }
}

bool mutants_find(const char *name, const char *text, size_t size, struct mutant **list, size_t *count) {
    struct source s = {.name = name, .text = text, .size = size, .list = list, .found = count};
    bool ok = scan(&s);
    mark_dead(&s);
    for (size_t i = 0; ok && i < s.count; i++) {
        if (is(&s, i, "(")) {
            i = after_brackets(&s, i, "(", ")") - 1;
        } else if (is(&s, i, "{") && i > 0 && is(&s, i - 1, ")")) { /* a body */
            size_t end = after_brackets(&s, i, "{", "}");
            for (i++; ok && i + 1 < end; i++)
                ok = one_token(&s, i);
        } else {
            outside(&s, i);
        }
    }
    free(s.token);
    return ok;
}
