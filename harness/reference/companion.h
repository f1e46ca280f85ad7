/* The KMDF function driver beside the reference miniport. */
#ifndef REFERENCE_COMPANION_H
#define REFERENCE_COMPANION_H

#include <gpup/framework.h>

extern const struct gpup_framework_driver companion;

#endif
