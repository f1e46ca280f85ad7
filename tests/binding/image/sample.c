/* A small image that has everything the loader looks at: imports of functions and data, by name and by
 * number, relocations, exports, a load configuration with a security cookie, functions with frames of each
 * kind. */
#include <stdint.h>

__declspec(dllimport) int sample_service(int value);
__declspec(dllimport) int sample_numbered(int value);
__declspec(dllimport) int sample_missing(void);
__declspec(dllimport) extern int sample_data;

int DriverEntry(void *driver, void *path);
int middle(int value);
int leaf(int value);
int call_missing(void);

uint64_t __security_cookie = 0x00002B992DDFA232;
struct load_config {
    uint32_t size;
    uint8_t unused[84];
    void *cookie;
    uint8_t rest[16];
};
const struct load_config _load_config_used = {.size = sizeof _load_config_used, .cookie = &__security_cookie};

int sample_writable = 5;
static const char *const words[] = {"one", "two", "three"}; /* relocations, read-only */
const char *const *sample_words = words;

static volatile int zero;

/* Its size is known only when it runs: the frame has a register of its own. */
__attribute__((noinline)) int leaf(int value) {
    volatile char *room = __builtin_alloca((unsigned)value + 64);
    room[0] = 1;
    return sample_service(value) + room[0] - 1 + zero;
}

__attribute__((noinline)) int middle(int value) {
    volatile int large[600];
    large[599] = value;
    return leaf(large[599]) + zero;
}

int DriverEntry(void *driver, void *path) {
    (void)driver;
    (void)path;
    sample_writable++;
    return middle(4) + sample_numbered(30) + sample_data + (sample_words[2][0] == 't' ? 1000 : 0);
}

int call_missing(void) {
    return sample_missing();
}

void __chkstk(void); /* frames of more than a page; nothing here has one, and leaf might */
__attribute__((naked)) void __chkstk(void) {
    __asm__("ret");
}
