/* The device model: what the suite puts behind the driver's bus. */
#ifndef EXAMPLE_GPU_MODEL_H
#define EXAMPLE_GPU_MODEL_H

#include <gpup/device.h>

extern const gpup_device_ops model_ops;

#endif
