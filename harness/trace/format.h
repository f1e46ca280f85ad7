/*
 * The binary trace.
 *
 *   file    = "GPUPTRAC", u16 format version, u16 bytes of this header (little-endian), records
 *   record  = length of the body, body
 *   body    = kind, host, fiber, step + 1 (modulo 2^32, so that "no step" is 0), time, number of fields,
 * fields, data
 *
 * Every number is LEB128. Fields that are 0 at the end are left out, and data is what remains of the body.
 * One event has exactly one encoding; a reader refuses any other, so that equal traces have equal hashes.
 */
#ifndef GPUP_TRACE_FORMAT_H
#define GPUP_TRACE_FORMAT_H

#include "leb.h"
#include <gpup/trace.h>

#define GPUP_TRACE_MAGIC "GPUPTRAC"
#define GPUP_TRACE_VERSION 1
#define GPUP_TRACE_HEADER 12
#define GPUP_TRACE_MAX_HEAD ((size_t)(6 + GPUP_EVENT_MAX_FIELDS) * GPUP_LEB_MAX)
#define GPUP_TRACE_MAX_BODY (GPUP_TRACE_MAX_HEAD + GPUP_EVENT_MAX_DATA)

/* As gpup_trace_decode; *why is set for -1: a constant string. */
long gpup_trace_decode_why(const uint8_t *bytes, size_t size, struct gpup_event *event, const char **why);

#endif
