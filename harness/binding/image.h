#ifndef GPUP_BINDING_IMAGE_H
#define GPUP_BINDING_IMAGE_H

#include "elf.h"

#include <gpup/binding.h>

/* *out is NULL when the file has no writable bytes. base: what the dynamic linker added to link-time
 * addresses. */
bool gpup_image_open(const char *path, uintptr_t base, const char *prefix, struct gpup_image **out,
                     char *message, size_t message_size);
/* The same from addresses in this process; takes the list over. false: out of memory. */
bool gpup_image_from(struct gpup_ranges *ranges, uintptr_t base, uintptr_t code_start, uintptr_t code_end,
                     struct gpup_image **out);
/* The writable bytes of another belong to this one too; its code does not. false: out of memory. */
bool gpup_image_join(struct gpup_image *image, const struct gpup_image *other);
void gpup_image_set_unwinder(struct gpup_image *image, struct gpup_unwinder unwinder);
/* Code that goes after DriverEntry, by whole pages; takes the list over. */
void gpup_image_set_initial(struct gpup_image *image, struct gpup_ranges *ranges);

#endif
