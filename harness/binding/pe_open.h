/* A Windows driver image as an implementation: gpup_binding_open for names that end in .sys. */
#ifndef GPUP_BINDING_PE_OPEN_H
#define GPUP_BINDING_PE_OPEN_H

#include "pe.h"

#include <gpup/binding.h>

/* A whole file, readable; the caller unmaps it. */
bool gpup_pe_map_file(const char *path, void **bytes, size_t *size, const struct gpup_pe_error *error);
/* Loads the file at `path` and binds its imports to the services of this process; fills binding->pe and
 * binding->image. 0, or -1 with a message; what was made by then goes with gpup_binding_close. */
/* The address of a service by its name; NULL: this program does not have it. A gpup_pe_resolve_fn. */
void *gpup_pe_service(void *context, const char *module, const char *name, uint16_t ordinal);
int gpup_pe_open(struct gpup_binding *binding, const char *path, char *message, size_t message_size);
void gpup_pe_close(struct gpup_pe *pe); /* NULL is allowed */
/* The writable sections of the open image that an address is in. false: of none, or out of memory. */
bool gpup_pe_image_at(uintptr_t address, struct gpup_image **out);
void *gpup_pe_entry(const struct gpup_pe *pe);
/* What the image says of itself when it exports gpup_implementation; NULL: it does not. */
const struct gpup_implementation *gpup_pe_described(const struct gpup_pe *pe);

#endif
