/* What the two halves of gpup/symbols.h share: asking for names, and keeping them. */
#ifndef GPUP_BINDING_SYMBOLS_H
#define GPUP_BINDING_SYMBOLS_H

#include "pe.h"

#include <gpup/symbols.h>

struct gpup_named_address { /* one address that was looked up */
    uint32_t address;
    bool instruction; /* of an instruction; else a return address, which is behind its call */
    char *text;       /* frames that were inlined there, then its own; a line each. NULL: it has no name */
};
struct gpup_symbols {
    char name[256]; /* of the image in front of each frame */
    char *path;     /* of the file; NULL: none to look into */
    struct gpup_pe pe;
    void *bytes; /* of an image for Windows; NULL: it is none, or damaged */
    size_t size;
    bool functions; /* its table of functions can be used */
    struct gpup_named_address *symbol;
    size_t count, capacity;
};

/* Asks for the symbols from `first` on. Without an answer their text stays NULL. */
void gpup_symbols_ask(struct gpup_symbols *symbols, size_t first);
/* Takes the answer (JSON) over into the symbols from `first` on, in their order. */
void gpup_symbols_take(struct gpup_symbols *symbols, size_t first, const char *answer, size_t size);

#endif
