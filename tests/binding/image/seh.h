/* What the parts of the image of exceptions share. */
#include <ddi/wdm.h>

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            return __LINE__;                                                                                 \
    } while (0)
#define EXPORT(name)                                                                                         \
    UINT64 name(UINT64 *room);                                                                               \
    UINT64 name(UINT64 *room)
#define APART __attribute__((noinline))
#define ODD ((NTSTATUS)0xE0000001)

extern volatile UINT64 zero; /* the compiler cannot know */
/* What ran, as letters. */
void note(char letter);
void forget(void);
int same(const char *expected);
