/* Linked into a driver image that is built with -fsanitize-coverage=inline-8bit-counters,pc-table: the linker
 * puts the compiler's counters and their addresses between these words, by the names of the sections. What
 * the compiler would have called when the image is loaded does nothing: the suite finds the sections. */
typedef unsigned long long word;

void __sanitizer_cov_8bit_counters_init(char *start, char *stop);
void __sanitizer_cov_pcs_init(const word *start, const word *stop);

__attribute__((section(".SCOV$CA"), used)) word __start___sancov_cntrs = 0;
__attribute__((section(".SCOV$CZ"), used)) word __stop___sancov_cntrs = 0;
__attribute__((section(".SCOVP$A"), used)) const word __start___sancov_pcs = 0;
__attribute__((section(".SCOVP$Z"), used)) const word __stop___sancov_pcs = 0;

void __sanitizer_cov_8bit_counters_init(char *start, char *stop) {
    (void)start;
    (void)stop;
}

void __sanitizer_cov_pcs_init(const word *start, const word *stop) {
    (void)start;
    (void)stop;
}
