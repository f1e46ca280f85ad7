/* PCI configuration space: widths, writes across dwords, BARs, what can be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "../../harness/device/pci.h"

static const struct gpup_pci_places places = {.power = 0x40, .msix = 0x50, .sriov = 0x100};

static void only_proper_widths_are_answered(void **state) {
    uint8_t space[GPUP_PCI_SPACE] = {0x11, 0x22, 0x33, 0x44, [GPUP_PCI_SPACE - 1] = 0x55};
    (void)state;
    assert_int_equal(gpup_pci_read(space, 1, 2), 0x3322);
    assert_int_equal(gpup_pci_read(space, 0, 4), 0x44332211);
    assert_int_equal(gpup_pci_read(space, GPUP_PCI_SPACE - 1, 1), 0x55);
    assert_int_equal(gpup_pci_read(space, GPUP_PCI_SPACE - 1, 2), 0xFFFF);
    assert_int_equal(gpup_pci_read(space, UINT32_MAX, 4), UINT32_MAX);
    assert_int_equal(gpup_pci_read(space, 0, 3), 0xFFFFFF);
    assert_int_equal(gpup_pci_read(NULL, 0, 1), 0xFF);
    assert_false(gpup_pci_proper(0, 0));
}

/* Against bytes that are stored one by one. */
static void a_write_is_cut_into_dwords(void **state) {
    const uint64_t value = 0x8877665544332211u;
    (void)state;
    for (uint32_t offset = 0; offset < 8; offset++)
        for (uint32_t width = 0; width <= 8; width++) {
            uint8_t space[16] = {0}, wanted[16] = {0};
            struct gpup_pci_write write = {offset, width, value};
            struct gpup_pci_part part;
            for (uint32_t i = 0; i < width; i++)
                wanted[offset + i] = (uint8_t)(value >> (8 * i));
            for (uint32_t next = offset & ~3u; gpup_pci_cut(&write, &part); next += 4) {
                assert_int_equal(part.at, next);
                assert_int_equal(gpup_pci_store(space, &part, UINT32_MAX), 0);
            }
            assert_memory_equal(space, wanted, sizeof(space));
        }
}

static void only_writable_bits_change(void **state) {
    uint8_t space[8] = {0x0F, 0x0F, 0x0F, 0x0F};
    const struct gpup_pci_part part = {.at = 0, .value = 0xF0F0F0F0, .mask = 0x00FFFF00};
    (void)state;
    assert_int_equal(gpup_pci_store(space, &part, 0xFFFF00FF), 0x0F0F0F0F);
    assert_int_equal(gpup_pci_dword(space, 0), 0x0FF00F0F);
}

static void bars_know_their_width(void **state) {
    uint8_t space[64] = {[4] = 0xAB};
    (void)state;
    gpup_pci_put_bar(space, 0, 0xC0000000, GPUP_PCI_BAR_32);
    assert_int_equal(gpup_pci_dword(space, 4), 0xAB);
    assert_true(gpup_pci_bar(space, 0) == 0xC0000000);
    gpup_pci_put_bar(space, 0, 0x12300000000, GPUP_PCI_BAR_64_PREFETCHABLE);
    assert_int_equal(gpup_pci_dword(space, 0), 0xC);
    assert_true(gpup_pci_bar(space, 0) == 0x12300000000);
    assert_int_equal(gpup_pci_bar_bits(0x10000), 0xFFFF0000);
    assert_int_equal(gpup_pci_bar_bits(0x200000000), 0);
}

static void num_vfs_is_fixed_while_vfs_are_enabled(void **state) {
    static uint8_t space[GPUP_PCI_SPACE];
    (void)state;
    gpup_pci_put(space, 0x11C, 0x553, 4);
    assert_int_equal(gpup_pci_writable(space, &places, 0x110), 0xFFFF);
    gpup_pci_put(space, 0x108, 1, 2);
    assert_int_equal(gpup_pci_writable(space, &places, 0x110), 0);
    assert_int_equal(gpup_pci_writable(space, &places, 0x108), 0x9);
    assert_int_equal(gpup_pci_writable(space, &places, 0x120), 0x553);
    assert_int_equal(gpup_pci_writable(space, &places, 0x44), 0x3);
    assert_int_equal(gpup_pci_writable(space, &places, 0x50), 0xC0000000);
    assert_int_equal(gpup_pci_writable(space, &places, 0x00), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_proper_widths_are_answered),
        cmocka_unit_test(a_write_is_cut_into_dwords),
        cmocka_unit_test(only_writable_bits_change),
        cmocka_unit_test(bars_know_their_width),
        cmocka_unit_test(num_vfs_is_fixed_while_vfs_are_enabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
