/*
 * Coverage of a driver image for Windows under the engines.
 *
 * Counters that its compiler put into it are announced as those of a shared object are. An image without any
 * has a breakpoint on each block of its code, and a counter for each that the breakpoint sets: it is taken
 * off when it is met, so that an execution of known code costs nothing. To an engine a block therefore shows
 * once, in the execution that was first to reach it, which is what makes it keep the input. AFL++ runs such
 * an input several times in a row to see whether it is stable: an input that comes again finds the
 * breakpoints that it met before.
 */
#ifndef GPUP_FUZZ_IMAGES_H
#define GPUP_FUZZ_IMAGES_H

#include <gpup/binding.h>

/* Does nothing for an implementation that is no image. Once per process; it lasts as long as that. false: the
 * message says why. */
bool fuzz_image_attach(const struct gpup_binding *binding, char *message, size_t message_size);

/* Before each execution, by engines that run an input more than once. Weak: targets that load no image lack
 * it. */
__attribute__((weak)) void fuzz_image_input(const uint8_t *data, size_t size);
/* What was met since then is no part of the execution (the start of a world), and shows when it is met again.
 */
__attribute__((weak)) void fuzz_image_forget(void);

#endif
