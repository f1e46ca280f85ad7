#ifndef GPUP_REPORTS_PACKAGE_MEMBER_H
#define GPUP_REPORTS_PACKAGE_MEMBER_H

#include <gpup/package.h>

bool gpup_package_name_ok(const char *name);
/* Bytes as they stand in the archive; a copy is taken. */
bool gpup_package_add_stored(struct gpup_package *package, const char *name, const void *bytes, size_t size,
                             char *message, size_t message_size);
void gpup_package_remove(struct gpup_package *package, const char *name);

#endif
