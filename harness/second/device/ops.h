/* Members of the device table that are not in device.c; gpup/device.h says what each does. */
#ifndef GPUP_SECOND_OPS_H
#define GPUP_SECOND_OPS_H

#include <gpup/device.h>

bool sgpu_op_bar(void *device, unsigned index, uint64_t *physical, uint64_t *size);
uint64_t sgpu_op_bus_read(void *device, uint64_t physical, uint32_t width);
void sgpu_op_bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value);
uint32_t sgpu_op_config_read(void *device, uint32_t offset, uint32_t width);
void sgpu_op_config_write(void *device, uint32_t offset, uint32_t width, uint32_t value);
bool sgpu_op_claims(void *device, uint64_t physical, uint64_t size);

bool sgpu_op_read_msix(void *device, uint32_t vf, uint8_t *entries);
bool sgpu_op_read_msix_control(void *device, uint32_t vf, struct gpup_msix_control *control);
bool sgpu_op_read_schedule(void *device, uint32_t vf, struct gpup_schedule *schedule);
bool sgpu_op_read_dirty(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint8_t *bits,
                        bool *tracking);
size_t sgpu_op_read_guest(void *device, uint32_t vf, uint8_t *state, size_t capacity);
size_t sgpu_op_read_config(void *device, uint32_t vf, uint8_t *bytes, size_t capacity);
bool sgpu_op_read_vram(void *device, uint32_t segment, uint64_t offset, void *out, uint64_t size);
bool sgpu_op_hash_vram(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash);
bool sgpu_op_read_work(void *device, uint32_t vf, struct gpup_work *work);
uint64_t sgpu_op_generation(void *device, uint32_t vf, uint32_t observer);

bool sgpu_op_write_vram(void *device, uint32_t segment, uint64_t offset, const void *in, uint64_t size);
bool sgpu_op_copy_vram(void *device, uint32_t segment, uint64_t offset, void *from, uint32_t from_segment,
                       uint64_t from_offset, uint64_t size);
bool sgpu_op_raise(void *device, uint32_t vf, uint32_t index);
bool sgpu_op_guest_write(void *device, uint32_t vf, uint64_t offset, const void *in, uint64_t size);
bool sgpu_op_guest_read(void *device, uint32_t vf, uint64_t offset, void *out, uint64_t size);
bool sgpu_op_guest_work(void *device, uint32_t vf, uint32_t units, uint64_t seed);
bool sgpu_op_guest_set_register(void *device, uint32_t vf, uint32_t index, uint32_t value);

#endif
