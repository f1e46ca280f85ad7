/* The text of a proof to events: the text form, with names in place of numbers that the tables give. */
#include "proof.h"

#include <ctype.h>
#include <gpup/program.h>
#include <gpup/spec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct out {
    char text[4 * PROOF_LINE];
    size_t used;
};

static void put(struct out *out, const char *text) {
    int length = snprintf(out->text + out->used, sizeof out->text - out->used, " %s", text);
    out->used += length > 0 ? (size_t)length : 0;
    if (out->used >= sizeof out->text)
        out->used = sizeof out->text - 1;
}

static void put_hex(struct out *out, const uint8_t *bytes, size_t size) {
    put(out, "@data=");
    for (size_t i = 0; i < size && out->used + 3 < sizeof out->text; i++)
        out->used += (size_t)snprintf(out->text + out->used, 3, "%02x", bytes[i]);
}

static const char *const op_names[] = {
#define OP(name, group) #name,
#define FIELD(op, name, kind, value)
#define END(name)
#include <gpup/ops.def>
#undef OP
#undef FIELD
#undef END
};

/* address/data/control of each entry, separated by commas. */
static void put_msix(struct out *out, const char *text) {
    uint8_t bytes[2048];
    size_t size = 0;
    while (*text && size + 16 <= sizeof bytes) {
        char *rest;
        uint64_t address = strtoull(text, &rest, 0);
        uint32_t data = (uint32_t)strtoul(rest + (*rest == '/'), &rest, 0);
        uint32_t control = (uint32_t)strtoul(rest + (*rest == '/'), &rest, 0);
        memcpy(bytes + size, &address, 8);
        memcpy(bytes + size + 8, &data, 4);
        memcpy(bytes + size + 12, &control, 4);
        size += 16;
        text = rest + (*rest == ',');
        if (rest == text && *text)
            break;
    }
    put_hex(out, bytes, size);
}

/* SIZE:OFFSET=HEX:OFFSET=HEX...; the rest is zero. */
static void put_bytes(struct out *out, const char *text) {
    uint8_t bytes[8192] = {0};
    char *rest;
    size_t size = strtoul(text, &rest, 0);
    size = size < sizeof bytes ? size : sizeof bytes;
    while (*rest == ':') {
        size_t at = strtoul(rest + 1, &rest, 0);
        rest += *rest == '=';
        for (; isxdigit((unsigned char)rest[0]) && isxdigit((unsigned char)rest[1]) && at < size; rest += 2) {
            const char pair[] = {rest[0], rest[1], 0};
            bytes[at++] = (uint8_t)strtoul(pair, NULL, 16);
        }
    }
    put_hex(out, bytes, size);
}

static bool is_number(const char *text) {
    return *text >= '0' && *text <= '9';
}

static bool has_field(unsigned kind, const char *key) {
    for (unsigned i = 0; i < gpup_event_field_count(kind); i++)
        if (strcmp(gpup_event_field_name(kind, i), key) == 0)
            return true;
    return false;
}

static bool put_named(struct out *out, unsigned kind, uint16_t ddi, const char *key, const char *value) {
    char text[PROOF_LINE];
    uint32_t number;
    bool call = kind == GPUP_EVENT_CALL;
    int argument = call ? gpup_ddi_argument(ddi, key) : gpup_ddi_result(ddi, key);
    if (strcmp(key, "status") == 0 && gpup_status_find(value, &number)) {
        snprintf(text, sizeof text, "status=0x%x", number);
        put(out, text);
        return true;
    }
    if (strcmp(key, "ddi") == 0 && gpup_ddi_find(value) != GPUP_SPEC_NONE) {
        snprintf(text, sizeof text, "ddi=%u", gpup_ddi_find(value));
        put(out, text);
        return true;
    }
    if (strcmp(key, "op") == 0)
        for (size_t i = 0; i < sizeof op_names / sizeof op_names[0]; i++)
            if (strcmp(op_names[i], value) == 0) {
                snprintf(text, sizeof text, "op=%zu", i);
                put(out, text);
                return true;
            }
    if (ddi == GPUP_SPEC_NONE || argument < 0)
        return false;
    snprintf(text, sizeof text, "%c%d=%s", call ? 'a' : 'r', argument, value);
    put(out, text);
    return true;
}

static unsigned kind_of(const char *word) {
    for (unsigned kind = 0; kind < GPUP_EVENT_KINDS; kind++)
        if (strcmp(gpup_event_name(kind), word) == 0)
            return kind;
    return GPUP_EVENT_KINDS;
}

static bool put_token(struct out *out, unsigned kind, uint16_t *ddi, char *token) {
    char *equal = strchr(token, '=');
    if (!equal) { /* the DDI of a call or return */
        char text[40];
        *ddi = gpup_ddi_find(token);
        snprintf(text, sizeof text, "ddi=%u", *ddi);
        put(out, text);
        return *ddi != GPUP_SPEC_NONE;
    }
    if (strncmp(token, "@msix=", 6) == 0) {
        put_msix(out, token + 6);
        return true;
    }
    if (strncmp(token, "@bytes=", 7) == 0) {
        put_bytes(out, token + 7);
        return true;
    }
    *equal = 0;
    bool plain = token[0] == '@' || (has_field(kind, token) && is_number(equal + 1));
    bool fine = plain || put_named(out, kind, *ddi, token, equal + 1);
    *equal = '=';
    if (plain)
        put(out, token);
    return fine;
}

bool proof_event(const char *line, struct gpup_event *event, uint8_t *storage, size_t capacity, char *message,
                 size_t size) {
    static struct out out;
    static char copy[PROOF_LINE];
    uint16_t ddi = GPUP_SPEC_NONE;
    char *save = NULL;
    snprintf(copy, sizeof copy, "%s", line);
    out.used = 0;
    out.text[0] = 0;
    char *word = strtok_r(copy, " \t", &save);
    unsigned kind = word ? kind_of(word) : GPUP_EVENT_KINDS;
    if (kind == GPUP_EVENT_KINDS) {
        snprintf(message, size, "unknown event in: %.150s", line);
        return false;
    }
    put(&out, word);
    while ((word = strtok_r(NULL, " \t", &save)) != NULL)
        if (!put_token(&out, kind, &ddi, word)) {
            snprintf(message, size, "'%.60s' in: %.150s", word, line);
            return false;
        }
    return gpup_event_parse(out.text, event, storage, capacity, message, size) == 0;
}
