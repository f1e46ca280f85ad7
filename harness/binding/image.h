#ifndef GPUP_BINDING_IMAGE_H
#define GPUP_BINDING_IMAGE_H

#include <gpup/binding.h>

/* *out is NULL when the file has no writable bytes. base: what the dynamic linker added to link-time
 * addresses. */
bool gpup_image_open(const char *path, uintptr_t base, const char *prefix, struct gpup_image **out,
                     char *message, size_t message_size);

#endif
