/* A JSON Schema (2020-12) checker for the keywords that reports/results.schema.json uses. No packaged checker
 * for C knows that draft. A keyword it does not know is an error, so that the schema cannot say more than is
 * checked. */
#ifndef GPUP_TESTS_REPORTS_SCHEMA_H
#define GPUP_TESTS_REPORTS_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* root: the document that "#/$defs/..." refers to. On false, message says where and what. */
bool schema_check(const json_t *root, const json_t *schema, const json_t *value, char *message, size_t size);

#endif
