/* Memory that runs out anywhere between a journal and its documents: each says that it failed, or is whole.
 *
 * malloc and its kin stand here, so that the n-th call of ours fails. */
#include <gpup/compare.h>
#include <gpup/reports.h>

#include <jansson.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EACH 120u   /* the first allocations fail one after another, */
#define SPREAD 200u /* of the others so many */
#define DOCUMENTS 16u

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static struct {
    uintptr_t start, end;
} callers[64]; /* code whose calls may fail; other libraries are not ours to test */
static unsigned caller_count;
static uint64_t allocations, failing; /* number of the call that fails; 0: none */

static int add_caller(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    bool ours = !*info->dlpi_name;
    for (int i = 0; ours && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) &&
            caller_count < sizeof callers / sizeof *callers) {
            callers[caller_count].start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            callers[caller_count].end = callers[caller_count].start + info->dlpi_phdr[i].p_memsz;
            caller_count++;
        }
    return 0;
}

static bool fails(const void *from) {
    for (unsigned i = 0; failing && i < caller_count; i++)
        if ((uintptr_t)from >= callers[i].start && (uintptr_t)from < callers[i].end)
            return ++allocations == failing;
    return false;
}

void *malloc(size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

char *strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static char *journal, *wanted[DOCUMENTS];
static size_t journal_size;

static char *read_journal(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    assert_non_null(file);
    FILE *out = open_memstream(&text, size);
    char word[7] = "";
    for (int c; (c = fgetc(file)) != EOF;) { /* @SPEC@ stands for the version of the specification */
        memmove(word, word + 1, 5);
        word[5] = (char)c;
        fputc(c, out);
        if (memcmp(word, "@SPEC@", 6) == 0) {
            fseek(out, -6, SEEK_CUR);
            fputs(gpup_spec_version(), out);
        }
    }
    fclose(file);
    fclose(out);
    return text;
}

/* NULL: it was said that it failed. */
static char *document(const struct gpup_report *report, size_t writer) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool ok = out && gpup_writers[writer].write(report, out);
    if (out)
        ok = fclose(out) == 0 && ok;
    if (ok)
        return text;
    free(text);
    return NULL;
}

static json_t *compared(const char *text) {
    json_t *a = json_loads(text, 0, NULL), *b = json_loads("{\"rules\": [], \"programs\": []}", 0, NULL);
    json_t *c = a && b ? gpup_compare(b, a) : NULL;
    json_decref(a);
    json_decref(b);
    return c;
}

/* Journal to documents with the n-th allocation failing; learns them with n = 0. */
static void round_trip(uint64_t n) {
    struct gpup_results results = {0};
    struct gpup_report report;
    char message[1024], *made[DOCUMENTS] = {0};
    allocations = 0;
    failing = n;
    bool parsed =
        gpup_journal_parse(journal, journal_size, "journal", true, &results, message, sizeof message) == 0;
    bool opened = parsed && gpup_report_open_at(&report, &results, NULL, NULL, false, "2026-06-01");
    for (size_t i = 0; opened && i < gpup_writer_count && i < DOCUMENTS; i++)
        made[i] = document(&report, i);
    json_decref(opened && made[0] ? compared(made[0]) : NULL);
    failing = 0;
    for (size_t i = 0; opened && i < gpup_writer_count && i < DOCUMENTS; i++) {
        if (n == 0)
            wanted[i] = made[i];
        else if (made[i] && strcmp(made[i], wanted[i]) != 0)
            fail_msg("allocation %llu: %s is another, and nothing says that it failed", (unsigned long long)n,
                     gpup_writers[i].file);
        if (n)
            free(made[i]);
    }
    if (opened)
        gpup_report_close(&report);
    gpup_results_free(&results);
}

static void each_allocation(void **state) {
    (void)state;
    round_trip(0);
    for (size_t i = 0; i < gpup_writer_count; i++)
        assert_non_null(wanted[i]);
    round_trip(UINT64_MAX); /* none fails: how many there are */
    uint64_t all = allocations, step = all > EACH ? (all - EACH) / SPREAD + 1 : 1;
    assert_true(all > 20);
    for (uint64_t n = 1; n <= all; n += n < EACH ? 1 : step)
        round_trip(n);
    for (size_t i = 0; i < gpup_writer_count; i++)
        free(wanted[i]);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation)};
    if (argc != 2 || gpup_writer_count > DOCUMENTS)
        return 2;
    dl_iterate_phdr(add_caller, NULL);
    journal = read_journal(argv[1], &journal_size);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(journal);
    return failed ? 1 : 0;
}
