/*
 * World: one or two hosts with an adapter each, on which a program runs step by step. It is the side above
 * the driver (Dxgkrnl, the VM worker, the guest) and writes the trace.
 *
 * A world is opened for an implementation, started (start order of the documents, on every host), runs steps,
 * and is stopped (everything destroyed that the program left, StopDevice, RemoveDevice, Unload). It refuses a
 * step that the documents say the OS never makes unless the step is marked negative. Threads: one thread per
 * world.
 *
 * What a world, its devices and the driver's pool use comes out of one reservation of address space that
 * `new` makes and `free` gives back. The implementation and its image stay the caller's and must outlive the
 * world; config and sink are copied.
 */
#ifndef GPUP_WORLD_H
#define GPUP_WORLD_H

#include <gpup/implementation.h>
#include <gpup/program.h>
#include <gpup/trace.h>

struct gpup_world;

/* config is clamped (program.h), so any numbers will do; the sections of image are set back to what they were
 * when it was opened. NULL: no memory, or the device refused its shape; message says why. The sink is used
 * until close. image: the implementation's writable sections (binding.h), or NULL when there is one host and
 * no need to restore. */
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
/* Files that the drivers of its hosts find (files.h), in place of none: before it is started. They outlive
 * the world. NULL: none. */
struct gpup_given_files;
void gpup_world_give_files(struct gpup_world *world, const struct gpup_given_files *files);
/* NULL is allowed. A started world is not stopped first: its driver gets no calls any more. */
void gpup_world_free(struct gpup_world *world);

/* Start order on every host. false: an adapter did not start (the trace says where); steps are then skipped.
 */
bool gpup_world_start(struct gpup_world *world);
/* One step; index is the number that its events bear, from 0. What comes of it is in the trace: a refused or
 * impossible step is a SKIP event, not an error here. false: the world is dead (fault, bug check, hang) and
 * no further step makes sense. */
bool gpup_world_step(struct gpup_world *world, const struct gpup_step *step, uint32_t index);
/* Stop order, leak report, END event. Returns the program's outcome. */
enum gpup_outcome gpup_world_stop(struct gpup_world *world);

/* All three, in that order; steps end when the world is dead, and stop comes in any case. */
enum gpup_outcome gpup_world_run(struct gpup_world *world, const struct gpup_program *program);

/*
 * A started world kept and brought back: state of hosts, devices and the implementation's writable sections.
 * Take it between start and the first step, while there are no migration blobs yet. A later snapshot replaces
 * the one before; restore may be called any number of times after one. false: memory is out. Events that
 * the sink has got stay with it: who keeps a trace cuts it off at the same place.
 */
bool gpup_world_snapshot(struct gpup_world *world);
void gpup_world_restore(struct gpup_world *world);

/* The tables and the adapter of a started host, for measuring a bare call. NULL: not started. */
const DRIVER_INITIALIZATION_DATA *gpup_world_ddis(const struct gpup_world *world, uint32_t host,
                                                  HANDLE *adapter);

#endif
