/* The machine engine over the real machines: legal lives, refusals with their reason, resets. */
#include "gpup/machine.h"
#include "gpup/spec_ids.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct gpup_machine_state now;
static struct gpup_machine_refusal why;

/* Up to five scalar arguments of a call. */
#define ARGS(...)                                                                                            \
    (const uint64_t[GPUP_DDI_ARGUMENTS_MAX]) {                                                               \
        __VA_ARGS__                                                                                          \
    }
#define LEGAL(ddi, vf, ...)                                                                                  \
    gpup_machine_legal(&now, GPUP_DDI_##ddi, vf, GPUP_SLOT_NONE, ARGS(__VA_ARGS__), &why)
#define OK(ddi, vf, ...)                                                                                     \
    do {                                                                                                     \
        assert_true(LEGAL(ddi, vf, __VA_ARGS__));                                                            \
        gpup_machine_step(&now, GPUP_DDI_##ddi, vf, GPUP_SLOT_NONE, ARGS(__VA_ARGS__));                      \
    } while (0)
#define REFUSED(who, because, ddi, vf, ...)                                                                  \
    do {                                                                                                     \
        assert_false(LEGAL(ddi, vf, __VA_ARGS__));                                                           \
        assert_string_equal(gpup_machines[why.machine].name, who);                                           \
        assert_int_equal(why.reason, GPUP_REFUSAL_##because);                                                \
    } while (0)
#define NONE GPUP_SLOT_NONE

static int started(void **state) {
    (void)state;
    gpup_machine_reset(&now);
    gpup_machine_step(&now, GPUP_DDI_DriverEntry, NONE, NONE, ARGS(0));
    gpup_machine_step(&now, GPUP_DDI_AddDevice, NONE, NONE, ARGS(0));
    gpup_machine_step(&now, GPUP_DDI_StartDevice, NONE, NONE, ARGS(0));
    gpup_machine_step(&now, GPUP_DDI_SetGpuPartitionCount, NONE, NONE, ARGS(4));
    return gpup_machine_state_of(&now, GPUP_MACHINE_partition, 0) != GPUP_STATE_partition_Counted;
}

static void create(uint32_t vf) {
    OK(CreateVirtualGpu, vf, vf);
    OK(SetVirtualGpuResources, vf, vf, 1);
}

static void power(uint32_t vf) {
    OK(SetVirtualFunctionPowerState, vf, vf, 1, 0);
}

static void adapter_starts_and_ends(void **state) {
    (void)state;
    gpup_machine_reset(&now);
    REFUSED("adapter", state, AddDevice, NONE, 0);
    OK(DriverEntry, NONE, 0);
    OK(AddDevice, NONE, 0);
    REFUSED("adapter", state, QueryAdapterInfo, NONE, 30);
    OK(StartDevice, NONE, 0);
    OK(QueryAdapterInfo, NONE, 30);
    REFUSED("adapter", state, RemoveDevice, NONE, 0);
    OK(StopDevice, NONE, 0);
    OK(StartDevice, NONE, 0);
    OK(StopDevice, NONE, 0);
    OK(RemoveDevice, NONE, 0);
    OK(Unload, NONE, 0);
}

static void unnamed_ddi_is_legal(void **state) {
    (void)state;
    gpup_machine_reset(&now);
    assert_true(LEGAL(DpcRoutine, NONE, 0));
    assert_true(LEGAL(WdfInterruptCreate, NONE, 0));
}

static void never_called_ddi_is_refused(void **state) {
    (void)state;
    create(0);
    REFUSED("vgpu", state, SuspendVirtualGpu, 0, 0);
    REFUSED("adapter", state, GetGpuEngines, NONE, 0);
}

static void count_needs_no_vgpu_anywhere(void **state) {
    (void)state;
    create(GPUP_MACHINE_SLOTS - 1);
    REFUSED("partition", condition, SetGpuPartitionCount, NONE, 2);
    assert_int_equal(why.condition, GPUP_MACHINE_vgpu);
    OK(DestroyVirtualGpu, GPUP_MACHINE_SLOTS - 1, GPUP_MACHINE_SLOTS - 1);
    OK(SetGpuPartitionCount, NONE, 2);
}

static void vgpu_lives(void **state) {
    (void)state;
    REFUSED("vgpu", state, SetVirtualFunctionPowerState, 2, 2, 1, 0);
    OK(CreateVirtualGpu, 2, 2);
    REFUSED("vgpu", state, CreateVirtualGpu, 2, 2);
    REFUSED("vgpu", state, SetVirtualFunctionPowerState, 2, 2, 1, 0);
    OK(SetVirtualGpuResources, 2, 2, 1);
    REFUSED("vgpu", arguments, SetVirtualFunctionPowerState, 2, 2, 1, 1);
    power(2);
    REFUSED("vgpu", state, SetVirtualGpuResources, 2, 2, 1);
    OK(SetVirtualFunctionPowerState, 2, 2, 4, 0);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_vgpu, 2), GPUP_STATE_vgpu_Stopped);
    power(2);
    OK(DestroyVirtualGpu, 2, 2);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_vgpu, 2), GPUP_STATE_vgpu_Absent);
}

static void vfs_are_apart(void **state) {
    (void)state;
    create(0);
    OK(SetVirtualFunctionPauseState, 0, 0, 1);
    REFUSED("pause", condition, SetVirtualFunctionPauseState, 1, 1, 1);
    create(1);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_pause, 0), GPUP_STATE_pause_On);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_pause, 1), GPUP_STATE_pause_Off);
    OK(DestroyVirtualGpu, 1, 1);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_vgpu, 0), GPUP_STATE_vgpu_Resourced);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_pause, 0), GPUP_STATE_pause_On);
}

static void source_migrates(void **state) {
    (void)state;
    create(0);
    power(0);
    REFUSED("migration", state, EndLiveMigration, 0, 0);
    REFUSED("migration", arguments, PrepareLiveMigration, 0, 0, 2);
    OK(PrepareLiveMigration, 0, 0, 0);
    REFUSED("migration", state, PrepareLiveMigration, 0, 0, 0);
    REFUSED("migration", arguments, SaveImmutableMigrationData, 0, 0, 64, 0);
    REFUSED("migration", state, SaveImmutableMigrationData, 0, 0, 64, 1);
    OK(SaveImmutableMigrationData, 0, 0, 0, 0);
    OK(SaveImmutableMigrationData, 0, 0, 64, 1);
    REFUSED("migration", condition, SaveMutableMigrationData, 0, 0, 0, 0);
    assert_int_equal(why.condition, GPUP_MACHINE_pause);
    OK(SetVirtualFunctionPauseState, 0, 0, 0xFF);
    OK(SaveMutableMigrationData, 0, 0, 0, 0);
    OK(SaveMutableMigrationData, 0, 0, 512, 1);
    REFUSED("migration", state, RestoreMutableMigrationData, 0, 0, 512, 1);
    OK(EndLiveMigration, 0, 0);
    OK(PrepareLiveMigration, 0, 0, 0);
}

static void target_migrates(void **state) {
    (void)state;
    create(3);
    OK(PrepareLiveMigration, 3, 3, 1);
    REFUSED("migration", state, RestoreMutableMigrationData, 3, 3, 512, 1);
    OK(RestoreImmutableMigrationData, 3, 3, 64, 1);
    REFUSED("migration", state, RestoreImmutableMigrationData, 3, 3, 64, 1);
    power(3);
    REFUSED("migration", condition, RestoreMutableMigrationData, 3, 3, 512, 1);
    OK(SetVirtualFunctionPauseState, 3, 3, 1);
    OK(RestoreMutableMigrationData, 3, 3, 512, 1);
    OK(EndLiveMigration, 3, 3);
}

static void running_vgpu_is_no_target(void **state) {
    (void)state;
    create(0);
    power(0);
    REFUSED("migration", condition, PrepareLiveMigration, 0, 0, 1);
    assert_int_equal(why.condition, GPUP_MACHINE_vgpu);
}

static void destroy_resets_the_vf(void **state) {
    (void)state;
    create(0);
    create(1);
    OK(PrepareLiveMigration, 0, 0, 0);
    OK(PrepareLiveMigration, 1, 1, 0);
    OK(SetVirtualFunctionPauseState, 0, 0, 1);
    OK(DestroyVirtualGpu, 0, 0);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_migration, 0), GPUP_STATE_migration_Idle);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_pause, 0), GPUP_STATE_pause_Off);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_migration, 1), GPUP_STATE_migration_Source);
    OK(StopDevice, NONE, 0);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_migration, 1), GPUP_STATE_migration_Idle);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_vgpu, 1), GPUP_STATE_vgpu_Absent);
}

static void bases_are_tracked_apart(void **state) {
    (void)state;
    const uint64_t none[GPUP_DDI_ARGUMENTS_MAX] = {0};
    assert_true(gpup_machine_legal(&now, GPUP_DDI_CreateMemoryBasis, NONE, NONE, none, &why));
    assert_false(gpup_machine_legal(&now, GPUP_DDI_StartDirtyTracking, NONE, NONE, none, &why));
    gpup_machine_step(&now, GPUP_DDI_CreateMemoryBasis, NONE, 5, none);
    assert_false(gpup_machine_legal(&now, GPUP_DDI_StartDirtyTracking, NONE, 4, none, &why));
    assert_false(gpup_machine_legal(&now, GPUP_DDI_QueryDirtyBitData, NONE, 5, none, &why));
    assert_int_equal(why.slot, 5);
    assert_true(gpup_machine_legal(&now, GPUP_DDI_StartDirtyTracking, NONE, 5, none, &why));
    gpup_machine_step(&now, GPUP_DDI_StartDirtyTracking, NONE, 5, none);
    assert_true(gpup_machine_legal(&now, GPUP_DDI_QueryDirtyBitData, NONE, 5, none, &why));
    gpup_machine_step(&now, GPUP_DDI_DestroyMemoryBasis, NONE, 5, none);
    assert_int_equal(gpup_machine_state_of(&now, GPUP_MACHINE_tracking, 5), GPUP_STATE_tracking_Absent);
}

/* Numbers out of range read as the initial state and change nothing. */
static void wild_numbers_do_no_harm(void **state) {
    (void)state;
    struct gpup_machine_state before = now;
    REFUSED("vgpu", state, DestroyVirtualGpu, GPUP_MACHINE_SLOTS, 0);
    gpup_machine_step(&now, GPUP_DDI_CreateVirtualGpu, GPUP_MACHINE_SLOTS, NONE, ARGS(0));
    gpup_machine_step(&now, GPUP_DDI_CreateVirtualGpu, 0xFFFFFFFEu, NONE, ARGS(0));
    gpup_machine_step(&now, GPUP_SPEC_NONE, 0, 0, ARGS(0));
    gpup_machine_set(&now, GPUP_MACHINE_MAX, 0, 1);
    gpup_machine_set(&now, GPUP_MACHINE_vgpu, 0, GPUP_STATE_vgpu_COUNT);
    gpup_machine_set(&now, GPUP_MACHINE_vgpu, GPUP_MACHINE_SLOTS, 1);
    assert_memory_equal(&now, &before, sizeof now);
    assert_true(gpup_machine_legal(&now, GPUP_SPEC_NONE, 0, 0, ARGS(0), &why));
    assert_int_equal(gpup_machine_state_of(&now, 999, 0), GPUP_STATE_SAME);
    assert_string_equal(gpup_machine_state_name(GPUP_MACHINE_vgpu, 77), "?");
}

static void refusal_is_explained(void **state) {
    (void)state;
    char text[128], small[8];
    REFUSED("vgpu", state, DestroyVirtualGpu, 3, 3);
    int length = gpup_machine_explain(&why, GPUP_DDI_DestroyVirtualGpu, text, sizeof text);
    assert_string_equal(text, "vgpu[3] is Absent: DestroyVirtualGpu is not called there");
    assert_int_equal(length, strlen(text));
    assert_int_equal(gpup_machine_explain(&why, GPUP_DDI_DestroyVirtualGpu, small, sizeof small), length);
    assert_string_equal(small, "vgpu[3]");
    create(0);
    power(0);
    REFUSED("migration", condition, PrepareLiveMigration, 0, 0, 1);
    gpup_machine_explain(&why, GPUP_DDI_PrepareLiveMigration, text, sizeof text);
    assert_string_equal(text, "migration[0] is Idle: PrepareLiveMigration also needs another state of vgpu");
}

#define TEST(function) cmocka_unit_test_setup(function, started)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(adapter_starts_and_ends),
        TEST(unnamed_ddi_is_legal),
        TEST(never_called_ddi_is_refused),
        TEST(count_needs_no_vgpu_anywhere),
        TEST(vgpu_lives),
        TEST(vfs_are_apart),
        TEST(source_migrates),
        TEST(target_migrates),
        TEST(running_vgpu_is_no_target),
        TEST(destroy_resets_the_vf),
        TEST(bases_are_tracked_apart),
        TEST(wild_numbers_do_no_harm),
        TEST(refusal_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
