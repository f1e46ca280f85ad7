/*
 * How many slots of DRIVER_INITIALIZATION_DATA each interface version has (DRIVER_INITIALIZATION_DATA page,
 * members by "available starting with"; the numbers are those of d3dukmdt.h).
 */
#include "dxgkrnl.h"

static const struct {
    uint32_t version, size;
} tables[] = {
    {DXGKDDI_INTERFACE_VERSION_VISTA, 496},
    {DXGKDDI_INTERFACE_VERSION_VISTA_SP1, 496},
    {DXGKDDI_INTERFACE_VERSION_WIN7, 568},
    {DXGKDDI_INTERFACE_VERSION_WIN8, 664},
    {DXGKDDI_INTERFACE_VERSION_WDDM1_3, 712},
    {DXGKDDI_INTERFACE_VERSION_WDDM1_3_PATH_INDEPENDENT_ROTATION, 712},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_0, 832},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_1, 880},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_1_5, 880},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_1_6, 880},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_2, 1032},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_3, 1056},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_4, 1152},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_5, 1192},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_6, 1224},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_7, 1232},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_8, 1232},
    {DXGKDDI_INTERFACE_VERSION_WDDM2_9, 1264},
    {DXGKDDI_INTERFACE_VERSION_WDDM3_0, 1296},
    {DXGKDDI_INTERFACE_VERSION_WDDM3_1, 1376},
    {DXGKDDI_INTERFACE_VERSION_WDDM3_2, sizeof(DRIVER_INITIALIZATION_DATA)},
};

_Static_assert(sizeof(DRIVER_INITIALIZATION_DATA) == 1544, "192 slots after an eight-byte head");

size_t gpup_dxgkrnl_table_size(uint32_t version) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (tables[i].version == version)
            return tables[i].size;
    }
    return 0;
}
