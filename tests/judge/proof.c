/* Files of proofs: includes and edits. */
#include "proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct proof *p, const char *what, const char *detail) {
    snprintf(p->error, sizeof p->error, "%s: %.200s", what, detail);
    return false;
}

static bool append(struct proof *p, const char *text, bool own) {
    if (p->count == PROOF_LINES)
        return fail(p, "too many events", text);
    struct proof_line *line = &p->line[p->count++];
    snprintf(line->text, sizeof line->text, "%s", text);
    line->own = own;
    p->own += own;
    return true;
}

static bool read_file(struct proof *p, const char *folder, const char *name, const char *suffix, bool own);

static bool take(struct proof *p, const char *folder, char *text, bool own) {
    text[strcspn(text, "\r\n")] = 0;
    text += strspn(text, " \t");
    if (!*text || *text == '#')
        return true;
    if (strncmp(text, "@include ", 9) == 0) {
        char name[100];
        snprintf(name, sizeof name, "common/%.80s", text + 9);
        return read_file(p, folder, name, ".trace", false);
    }
    if (strncmp(text, "--- ", 4) == 0) {
        if (p->edit[0] || !own)
            return fail(p, "more than one edit", text);
        snprintf(p->edit, sizeof p->edit, "%s", text + 4);
        return true;
    }
    if (p->edit[0])
        return fail(p, "an event after the edit", text);
    return append(p, text, own);
}

static bool read_file(struct proof *p, const char *folder, const char *name, const char *suffix, bool own) {
    char path[600], text[PROOF_LINE];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "r");
    bool fine = file != NULL;
    if (!file)
        return fail(p, "cannot read", path);
    while (fine && fgets(text, sizeof text, file))
        fine = take(p, folder, text, own);
    fclose(file);
    return fine;
}

bool proof_load(struct proof *p, const char *folder, const char *name) {
    memset(p, 0, sizeof *p);
    p->line = malloc(PROOF_LINES * sizeof *p->line);
    if (!p->line)
        return fail(p, "out of memory", "");
    if (!read_file(p, folder, name, ".proof", true))
        return false;
    return p->edit[0] ? true : fail(p, "no edit", name);
}

void proof_free(struct proof *p) {
    free(p->line);
    p->line = NULL;
}

/* Place of the proof's own event `number`, from 1; 0 stands for the place before the first. -1: none. */
static long place(const struct proof *p, long number) {
    long at = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->line[i].own && ++at == number)
            return (long)i;
    return -1;
}

static void drop(struct proof *p, size_t at) {
    memmove(&p->line[at], &p->line[at + 1], (p->count - at - 1) * sizeof *p->line);
    p->count--;
}

static bool insert(struct proof *p, size_t at, const char *text) {
    if (p->count == PROOF_LINES)
        return fail(p, "too many events", text);
    memmove(&p->line[at + 1], &p->line[at], (p->count - at) * sizeof *p->line);
    p->count++;
    snprintf(p->line[at].text, sizeof p->line[at].text, "%s", text);
    p->line[at].own = true;
    return true;
}

/* Replaces the value of a field in the text of an event, or adds the field. */
static bool change(struct proof *p, size_t at, const char *field) {
    char key[100], *line = p->line[at].text;
    size_t length = strcspn(field, "=");
    if (!field[length] || length > 80)
        return fail(p, "expected field=value", field);
    snprintf(key, sizeof key, " %.*s=", (int)length, field);
    char *old = strstr(line, key);
    if (old) {
        char *end = old + 1 + strcspn(old + 1, " ");
        memmove(old, end, strlen(end) + 1);
    }
    size_t used = strlen(line);
    snprintf(line + used, sizeof p->line[at].text - used, " %s", field);
    return true;
}

static bool move(struct proof *p, long from, long to) {
    static char text[PROOF_LINE];
    long source = place(p, from), target;
    if (source < 0)
        return fail(p, "no such event", p->edit);
    snprintf(text, sizeof text, "%s", p->line[source].text);
    target = to ? place(p, to) : place(p, 1) - 1;
    if (target < -1 || (to && target < 0))
        return fail(p, "no such event", p->edit);
    drop(p, (size_t)source);
    return insert(p, (size_t)(target + (target < source)), text);
}

bool proof_edit(struct proof *p) {
    char *rest;
    if (strncmp(p->edit, "change ", 7) == 0) {
        long at = place(p, strtol(p->edit + 7, &rest, 10));
        return at < 0 ? fail(p, "no such event", p->edit) : change(p, (size_t)at, rest + strspn(rest, " "));
    }
    if (strncmp(p->edit, "drop ", 5) == 0) {
        long at = place(p, strtol(p->edit + 5, NULL, 10));
        if (at < 0)
            return fail(p, "no such event", p->edit);
        drop(p, (size_t)at);
        return true;
    }
    if (strncmp(p->edit, "add ", 4) == 0) {
        long number = strtol(p->edit + 4, &rest, 10), at = number ? place(p, number) : place(p, 1) - 1;
        return at < -1 || (number && at < 0) ? fail(p, "no such event", p->edit)
                                             : insert(p, (size_t)(at + 1), rest + strspn(rest, " "));
    }
    if (strncmp(p->edit, "move ", 5) == 0) {
        long from = strtol(p->edit + 5, &rest, 10);
        return move(p, from, strtol(rest, NULL, 10));
    }
    return fail(p, "expected change, drop, add or move", p->edit);
}
