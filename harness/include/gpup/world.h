/*
 * World: one or two hosts with an adapter each, on which a program runs step by step. It is the side above
 * the driver (Dxgkrnl, the VM worker, the guest) and writes the trace.
 *
 * A world is opened for an implementation, started (start order of the documents, on every host), runs steps,
 * and is stopped (everything destroyed that the program left, StopDevice, RemoveDevice, Unload). It refuses a
 * step that the documents say the OS never makes unless the step is marked negative. Threads: one thread per
 * world.
 */
#ifndef GPUP_WORLD_H
#define GPUP_WORLD_H

#include <gpup/implementation.h>
#include <gpup/program.h>
#include <gpup/trace.h>

struct gpup_world;

/* NULL: message says why. The sink is used until close. image: the implementation's writable sections
 * (binding.h), or NULL when there is one host and no need to restore. */
struct gpup_image;
struct gpup_world *gpup_world_new(const struct gpup_implementation *implementation, struct gpup_image *image,
                                  const struct gpup_world_config *config, const struct gpup_trace_sink *sink,
                                  char *message, size_t message_size);
/* The same for fuzzing, at a fraction of the price: blocks lie between red zones instead of pages without
 * access, and the trace lacks routine register accesses (trace.h).
 */
struct gpup_world *gpup_world_new_fast(const struct gpup_implementation *implementation,
                                       struct gpup_image *image, const struct gpup_world_config *config,
                                       const struct gpup_trace_sink *sink, char *message,
                                       size_t message_size);
void gpup_world_free(struct gpup_world *world);

/* Start order on every host. false: an adapter did not start (the trace says where); steps are then skipped.
 */
bool gpup_world_start(struct gpup_world *world);
/* One step. false: the world is dead (fault, bug check, hang) and no further step makes sense. */
bool gpup_world_step(struct gpup_world *world, const struct gpup_step *step, uint32_t index);
/* Stop order, leak report, END event. Returns the program's outcome. */
enum gpup_outcome gpup_world_stop(struct gpup_world *world);

/* All three. */
enum gpup_outcome gpup_world_run(struct gpup_world *world, const struct gpup_program *program);

/* A started world kept and brought back: state of hosts, devices and the implementation's writable sections.
 */
bool gpup_world_snapshot(struct gpup_world *world);
void gpup_world_restore(struct gpup_world *world);

/* The tables and the adapter of a started host, for measuring a bare call. NULL: not started. */
const DRIVER_INITIALIZATION_DATA *gpup_world_ddis(const struct gpup_world *world, uint32_t host,
                                                  HANDLE *adapter);

#endif
