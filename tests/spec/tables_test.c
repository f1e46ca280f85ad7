/* The compiled tables: look-ups, words, and what must be true of every row. */
#include "gpup/machine.h"
#include "gpup/spec.h"
#include "gpup/spec_ids.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void finds_rows_by_name(void **state) {
    (void)state;
    assert_int_equal(gpup_ddi_find("CreateVirtualGpu"), GPUP_DDI_CreateVirtualGpu);
    assert_int_equal(gpup_ddi_find("DxgkDdiCreateVirtualGpu"), GPUP_DDI_CreateVirtualGpu);
    assert_int_equal(gpup_rule_find("MSIX-001"), GPUP_RULE_MSIX_001);
    assert_int_equal(gpup_machine_find("vgpu"), GPUP_MACHINE_vgpu);
    assert_int_equal(gpup_structure_find("DXGKARG_CREATEVIRTUALGPU"),
                     GPUP_STRUCTURE_DXGKARG_CREATEVIRTUALGPU);
    assert_string_equal(gpup_sources[gpup_source_find("R-WVI")].id, "R-WVI");
    assert_string_equal(gpup_defects[gpup_defect_find("BUG-001")].id, "BUG-001");
    assert_string_equal(gpup_ddi_name(GPUP_DDI_EndLiveMigration), "EndLiveMigration");
    assert_string_equal(gpup_rule_id(GPUP_RULE_LM_001), "LM-001");
}

static void refuses_unknown_names(void **state) {
    (void)state;
    const char *const names[] = {"", "DxgkDdi", "createvirtualgpu", "CreateVirtualGpu ", "MSIX-000", NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(gpup_ddi_find(names[i]), GPUP_SPEC_NONE);
        assert_int_equal(gpup_rule_find(names[i]), GPUP_SPEC_NONE);
        assert_int_equal(gpup_source_find(names[i]), GPUP_SPEC_NONE);
        assert_int_equal(gpup_structure_find(names[i]), GPUP_SPEC_NONE);
        assert_int_equal(gpup_defect_find(names[i]), GPUP_SPEC_NONE);
        assert_int_equal(gpup_monitor_find(names[i]), GPUP_SPEC_NONE);
        assert_int_equal(gpup_machine_find(names[i]), GPUP_SPEC_NONE);
    }
    assert_string_equal(gpup_ddi_name(GPUP_SPEC_NONE), "?");
    assert_string_equal(gpup_rule_id(GPUP_SPEC_NONE), "?");
    assert_int_equal(gpup_ddi_argument(GPUP_SPEC_NONE, "vfIndex"), -1);
}

static void names_statuses(void **state) {
    (void)state;
    uint32_t value = 7;
    assert_string_equal(gpup_status_name(0), "STATUS_SUCCESS");
    assert_string_equal(gpup_status_name(GPUP_STATUS_OBJECT_TYPE_MISMATCH), "STATUS_OBJECT_TYPE_MISMATCH");
    assert_null(gpup_status_name(0xDEADBEEF));
    assert_true(gpup_status_find("STATUS_INVALID_PARAMETER", &value));
    assert_int_equal(value, 0xC000000D);
    assert_false(gpup_status_find("STATUS_NO_SUCH", &value));
    assert_int_equal(value, 0xC000000D);
}

static void places_arguments(void **state) {
    (void)state;
    const struct gpup_ddi *write = &gpup_ddis[GPUP_DDI_WriteVirtualizedInterrupt];
    assert_int_equal(write->offset, 1464);
    assert_int_equal(write->vf_argument, 0);
    assert_int_equal(write->basis_argument, -1);
    assert_int_equal(gpup_ddi_argument(GPUP_DDI_WriteVirtualizedInterrupt, "VectorControl"), 4);
    assert_int_equal(GPUP_ARG_WriteVirtualizedInterrupt_VectorControl, 4);
    assert_int_equal(gpup_ddi_result(GPUP_DDI_SaveMutableMigrationData, "DataSize"), 0);
    assert_int_equal(gpup_ddi_argument(GPUP_DDI_SaveMutableMigrationData, "Data"), -1);
    assert_int_equal(gpup_ddis[GPUP_DDI_QueryDirtyBitData].basis_argument, 0);
    assert_int_equal(gpup_ddis[GPUP_DDI_CreateMemoryBasis].basis_argument, -1);
    assert_int_equal(gpup_ddis[GPUP_DDI_CreateMemoryBasis].returns, GPUP_RETURNS_HANDLE);
}

static void spells_words(void **state) {
    (void)state;
    assert_string_equal(gpup_level_name(GPUP_LEVEL_ASSUMED), "ASSUMED");
    assert_string_equal(gpup_basis_name(GPUP_BASIS_C), "C");
    assert_string_equal(gpup_subject_name(GPUP_SUBJECT_HOST), "host");
    assert_string_equal(gpup_observer_name(GPUP_OBSERVER_time), "time");
    assert_string_equal(gpup_observer_name(GPUP_OBSERVER_dirty_bits), "dirty_bits");
    assert_string_equal(gpup_observer_name(0), "?");
    assert_string_equal(gpup_observer_name(3), "?");
    assert_string_equal(gpup_table_name(GPUP_TABLE_DXGKDDI_SRIOV_INTERFACE), "DXGKDDI_SRIOV_INTERFACE");
    assert_string_equal(gpup_gate_name(GPUP_GATE_HotDriverUpdate), "HotDriverUpdate");
    assert_string_equal(gpup_meaning_name(GPUP_MEANING_bool), "bool");
    assert_string_equal(gpup_level_name(99), "?");
}

static void rules_are_sorted_and_sourced(void **state) {
    (void)state;
    assert_int_equal(gpup_spec_counts.rules, GPUP_RULE_COUNT);
    for (size_t i = 0; i < GPUP_RULE_COUNT; i++) {
        const struct gpup_rule *rule = &gpup_rules[i];
        assert_true(i == 0 || strcmp(gpup_rules[i - 1].id, rule->id) < 0);
        assert_int_equal(gpup_rule_find(rule->id), i);
        assert_true(rule->source_count > 0);
        assert_int_equal(strncmp(rule->id, rule->area, strlen(rule->area)), 0);
        for (size_t k = 0; k < rule->source_count; k++)
            assert_true(rule->sources[k] < gpup_spec_counts.sources);
        for (size_t k = 0; k < rule->ddi_count; k++)
            assert_true(rule->ddis[k] < GPUP_DDI_COUNT);
        assert_true(rule->monitor == GPUP_SPEC_NONE || rule->monitor < GPUP_MONITOR_COUNT);
        assert_int_equal(rule->observers >> GPUP_OBSERVER_COUNT, 0);
    }
}

static void version_is_a_hash(void **state) {
    (void)state;
    assert_int_equal(strlen(gpup_spec_version()), 16);
    assert_int_equal(strspn(gpup_spec_version(), "0123456789abcdef"), 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_rows_by_name), cmocka_unit_test(refuses_unknown_names),
        cmocka_unit_test(names_statuses),     cmocka_unit_test(places_arguments),
        cmocka_unit_test(spells_words),       cmocka_unit_test(rules_are_sorted_and_sourced),
        cmocka_unit_test(version_is_a_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
