/* One campaign per folder, and what it remembers from run to run: campaign.txt. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

bool campaign_lock(const struct options *o) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/lock", o->out);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666); /* until the process ends */
    if (fd < 0)
        return tell_unwritable(path), false;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    fprintf(stderr, "gpup-fuzz: a campaign runs in %s: wait for it or name another --out\n", o->out);
    close(fd);
    return false;
}

static void value(const char *text, const char *word, char *out, size_t size) {
    const char *at = text ? strstr(text, word) : NULL;
    at = at ? at + strlen(word) : "";
    snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
}

void campaign_recall(const struct options *o, struct memory *m) {
    char path[PATH_ROOM], number[32];
    size_t size;
    snprintf(path, sizeof path, "%s/campaign.txt", o->out);
    char *text = read_file(path, &size);
    *m = (struct memory){.there = text != NULL};
    value(text, "target ", m->target, sizeof m->target);
    value(text, "implementation ", m->label, sizeof m->label);
    value(text, "executions ", number, sizeof number);
    m->executions = strtoull(number, NULL, 10);
    value(text, "seconds ", number, sizeof number);
    m->seconds = strtoull(number, NULL, 10);
    free(text);
}

void campaign_remember(const struct options *o, const struct memory *m) {
    char path[PATH_ROOM], text[2 * PATH_ROOM];
    snprintf(path, sizeof path, "%s/campaign.txt", o->out);
    int length =
        snprintf(text, sizeof text, "target %s\nimplementation %s\nexecutions %llu\nseconds %llu\n",
                 o->target, o->label, (unsigned long long)m->executions, (unsigned long long)m->seconds);
    write_file(path, text, (size_t)length);
}

bool campaign_goes_on(const struct options *o, const struct memory *m) {
    if (m->there && strcmp(m->target, o->target) != 0) {
        fprintf(stderr,
                "gpup-fuzz: the campaign in %s has --target %s, found %s: name that, or another --out\n",
                o->out, m->target, o->target);
        return false;
    }
    if (m->there && strcmp(m->label, o->label) != 0)
        fprintf(stderr, "fuzz: %s was of %s, now %s: findings that it does not show count as fixed\n", o->out,
                m->label, o->label);
    return true;
}
