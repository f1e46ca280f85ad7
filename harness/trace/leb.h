/* LEB128: unsigned numbers of 1..10 bytes, seven bits each, lowest first. Only the shortest form is accepted,
 * so a value has one encoding and equal traces have equal bytes. */
#ifndef GPUP_TRACE_LEB_H
#define GPUP_TRACE_LEB_H

#include <stddef.h>
#include <stdint.h>

#define GPUP_LEB_MAX 10

size_t gpup_leb_size(uint64_t value);
size_t gpup_leb_put(uint8_t *out, uint64_t value); /* writes gpup_leb_size(value) bytes, returns that size */
/* Bytes used; 0 when the number goes on past `size`; -1 when it is longer than 64 bits or not in shortest
 * form. */
int gpup_leb_get(const uint8_t *bytes, size_t size, uint64_t *value);

#endif
