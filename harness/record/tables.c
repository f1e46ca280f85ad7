/*
 * Makes the recorder's tables of the specification: `gpup-record constants` what its parts name, `gpup-record
 * rows` the functions that are wrapped, and their wrappers. No second list: a DDI that specs/ddis.yaml gets
 * is wrapped.
 */
#include <ddi/dispmprt.h>
#include <gpup/program.h>
#include <gpup/spec.h>
#include <gpup/spec_ids.h>
#include <gpup/trace.h>

#include <stdio.h>
#include <string.h>

/* Called where a mutex may be taken, and in a table. */
static bool is_wrapped(const struct gpup_ddi *d) {
    return d->table != GPUP_TABLE_none &&
           (strcmp(d->irql, "PASSIVE_LEVEL") == 0 || strcmp(d->irql, "APC_LEVEL") == 0);
}

/* The hot-update functions have a structure of flags first, which specs/ does not list. */
static unsigned structure_size(uint16_t ddi) {
    if (ddi == GPUP_DDI_SaveMemoryForHotUpdate)
        return sizeof(DXGKARG_SAVEMEMORYFORHOTUPDATE);
    if (ddi == GPUP_DDI_RestoreMemoryForHotUpdate)
        return sizeof(DXGKARG_RESTOREMEMORYFORHOTUPDATE);
    if (ddi == GPUP_DDI_StartDevice)
        return sizeof(DXGK_START_INFO);
    return gpup_ddis[ddi].structure == GPUP_SPEC_NONE ? 0 : gpup_structures[gpup_ddis[ddi].structure].size;
}

static const char *form_of(uint16_t ddi) {
    if (ddi == GPUP_DDI_ControlEtwLogging || ddi == GPUP_DDI_Unload)
        return "RECORD_BARE";
    return structure_size(ddi) ? "RECORD_STRUCTURE" : "RECORD_VALUES";
}

/* Members that world and recorder read by hand: what their name says is behind them. */
static bool is_plain(uint16_t ddi, const struct gpup_field *field) {
    (void)ddi;
    return field->meaning != GPUP_MEANING_pointer && field->meaning != GPUP_MEANING_blob &&
           field->meaning != GPUP_MEANING_handle && field->size <= 8;
}

static void put_place(uint16_t ddi, const char *name, unsigned number) {
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    unsigned offset = 0, size = 0;
    if (d->structure != GPUP_SPEC_NONE) {
        const struct gpup_structure *s = &gpup_structures[d->structure];
        for (unsigned i = 0; i < s->field_count; i++)
            if (strcmp(s->fields[i].name, name) == 0 && is_plain(ddi, &s->fields[i])) {
                offset = s->fields[i].offset;
                size = s->fields[i].size;
            }
    } else if (!structure_size(ddi) && number != UINT16_MAX &&
               name[0] != 'h') { /* by value; handles are looked up */
        bool bare = strcmp(form_of(ddi), "RECORD_BARE") == 0;
        bool is_byte = strcmp(name, "Enable") == 0 || strcmp(name, "Level") == 0;
        offset = number + !bare;
        size = is_byte ? 1 : 4;
    }
    printf("{%u, %u}, ", offset, size);
}

static void put_row(uint16_t ddi) {
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    printf("    {.ddi = %u, .offset = %u, .structure = %u, .table = %u, .form = %s, .constant = %u,\n"
           "     .is_status = %u, .is_handle = %u, .argument_count = %u, .result_count = %u,\n     .argument "
           "= {",
           ddi, d->offset, structure_size(ddi), d->table - 1u, form_of(ddi), d->constant,
           d->returns == GPUP_RETURNS_NTSTATUS, d->returns == GPUP_RETURNS_HANDLE, d->argument_count,
           d->result_count);
    for (unsigned i = 0; i < d->argument_count; i++)
        put_place(ddi, d->arguments[i], i);
    printf("%s},\n     .result = {", d->argument_count ? "" : "{0, 0}");
    for (unsigned i = 0; i < d->result_count; i++)
        put_place(ddi, d->results[i], UINT16_MAX);
    printf("%s},\n     .wrapper = (void *)record_wrap_%s},\n", d->result_count ? "" : "{0, 0}", d->name);
}

/* Four parameters are in registers, so that what a function has not does no harm; one has a fifth. */
static void put_wrapper(uint16_t ddi, unsigned row) {
    bool five = ddi == GPUP_DDI_StartDevice;
    printf("static uint64_t GPUP_RECORDER_CALL record_wrap_%s(uint64_t p0, uint64_t p1, uint64_t p2, "
           "uint64_t p3%s) "
           "{\n    const uint64_t p[] = {p0, p1, p2, p3%s};\n    return record_call(%u, p);\n}\n\n",
           gpup_ddis[ddi].name, five ? ", uint64_t p4" : "", five ? ", p4" : ", 0", row);
}

static void put_rows(void) {
    unsigned row = 0;
    for (uint16_t ddi = 0; ddi < gpup_spec_counts.ddis; ddi++)
        if (is_wrapped(&gpup_ddis[ddi]))
            put_wrapper(ddi, row++);
    printf("static const struct record_row record_rows[GPUP_RECORD_ROWS] = {\n");
    for (uint16_t ddi = 0; ddi < gpup_spec_counts.ddis; ddi++)
        if (is_wrapped(&gpup_ddis[ddi]))
            put_row(ddi);
    printf("};\n");
}

static void put_guid(const char *name, const GUID *guid, size_t size) {
    const unsigned char *bytes = (const unsigned char *)guid;
    printf("    {%zu, {", size);
    for (unsigned i = 0; i < sizeof *guid; i++)
        printf("%u%s", bytes[i], i + 1 < sizeof *guid ? ", " : "");
    printf("}}, /* %s */\n", name);
}

static void put_guids(void) {
    printf("/* Size of the structure, and its GUID. */\n"
           "static const struct {\n    unsigned size;\n    unsigned char guid[16];\n} record_guids[] = {\n   "
           " {0, {0}},\n");
    put_guid("partition", &GUID_DXGKDDI_GPU_PARTITION_INTERFACE, sizeof(DXGKDDI_GPU_PARTITION_INTERFACE));
    put_guid("SR-IOV", &GUID_DXGKDDI_SRIOV_INTERFACE, sizeof(DXGKDDI_SRIOV_INTERFACE));
    put_guid("mitigable device", &GUID_DXGKDDI_MITIGABLE_DEVICE_INTERFACE,
             sizeof(DXGKDDI_MITIGABLE_DEVICE_INTERFACE));
    put_guid("FlexIOV", &GUID_DXGKDDI_FLEXIOV_DEVICE_INTERFACE, sizeof(DXGKDDI_FLEXIOV_DEVICE_INTERFACE));
    put_guid("triage event", &GUID_DXGKDDI_AZURE_TRIAGE_EVENT,
             sizeof(DXGKDDICB_PARTITIONING_EVENT_NOTIFICATION));
    printf("};\n\n");
}

static void put_number(const char *name, size_t value) {
    printf("#define RECORD_%s %zuu\n", name, value);
}

static void put_events(void) {
    printf("\nenum {\n");
    for (unsigned kind = 0; kind < GPUP_EVENT_KINDS; kind++)
        printf("    RECORD_EVENT_%s = %u,\n", gpup_event_name(kind), kind);
    printf("};\nenum {\n");
    for (unsigned kind = 0; kind < GPUP_EVENT_KINDS; kind++)
        for (unsigned i = 0; i < gpup_event_field_count(kind); i++)
            printf("    RECORD_%s_%s = %u,\n", gpup_event_name(kind), gpup_event_field_name(kind, i), i);
    printf("};\nenum {\n");
    for (uint16_t ddi = 0; ddi < gpup_spec_counts.ddis; ddi++)
        printf("    RECORD_DDI_%s = %u,\n", gpup_ddis[ddi].name, ddi);
    printf("};\n\n");
}

static void put_constants(void) {
    unsigned rows = 0;
    for (uint16_t ddi = 0; ddi < gpup_spec_counts.ddis; ddi++)
        rows += is_wrapped(&gpup_ddis[ddi]);
    printf("#define GPUP_RECORD_ROWS %u\n#define RECORD_SPEC \"%s\"\n", rows, gpup_spec_version());
    put_number("CALLBACKS_SIZE", sizeof(DXGKRNL_INTERFACE));
    put_number("LOG_EVENT", offsetof(DXGKRNL_INTERFACE, DxgkCbLogEtwEvent));
    put_number("RANGE_UPDATE", offsetof(DXGKRNL_INTERFACE, DxgkCbMitigatedRangeUpdate));
    put_number("SAVE_MEMORY", offsetof(DXGKRNL_INTERFACE, DxgkCbSaveMemoryForHotUpdate));
    put_number("EVENT_MAX_DATA", GPUP_EVENT_MAX_DATA);
    put_number("OBSERVER_callbacks", GPUP_OBSERVER_callbacks);
    put_number("GATE_PAGE", DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS);
    put_number("KINDS", GPUP_EVENT_KINDS);
    put_number("TRIAGE", 5);
    printf("enum { RECORD_ROLE_ARGUMENTS = %d, RECORD_ROLE_SIZE = %d, RECORD_ROLE_DATA = %d,\n"
           "       RECORD_ROLE_INPUT = %d, RECORD_ROLE_GUID = %d, RECORD_ROLE_INTERFACE = %d, "
           "RECORD_CONST_DAMAGE = %d "
           "};\n",
           GPUP_ROLE_ARGUMENTS, GPUP_ROLE_SIZE, GPUP_ROLE_DATA, GPUP_ROLE_INPUT, GPUP_ROLE_GUID,
           GPUP_ROLE_INTERFACE, GPUP_DAMAGE_CONST);
    put_events();
    put_guids();
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "constants") == 0)
        put_constants();
    else if (argc == 2 && strcmp(argv[1], "rows") == 0)
        put_rows();
    else
        return fputs("usage: gpup-record constants | rows\n", stderr), 2;
    return ferror(stdout) || fclose(stdout) ? 3 : 0;
}
