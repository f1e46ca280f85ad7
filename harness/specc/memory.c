/* Memory of a tool that runs once: grows, never shrinks, and ends the tool when there is none. */
#include "specc.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *memory) {
    if (!memory) {
        fputs("gpup-specc: out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

void *specc_grow(void *items, size_t count, size_t size) {
    char *grown = or_end(realloc(items, (count + 1) * size));
    memset(grown + count * size, 0, size);
    return grown;
}

char *specc_format(const char *format, ...) {
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return or_end(text);
}

void specc_list_add(struct list16 *list, uint16_t item) {
    *SPECC_ADD(list->items, list->count) = item;
}
