/* In every target: what AddressSanitizer does unless ASAN_OPTIONS says otherwise. Freed memory is kept from
 * being used again for as long as some executions take; the sanitizer's own 256 MiB are written to once more
 * by every execution before they are full, a page fault for each page. */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void) {
    return "quarantine_size_mb=4:thread_local_quarantine_size_kb=64";
}
