/* Bad YAML: each file of the folder gives exactly the messages stored beside it. */
#include "sample.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;
static bool write_anew;

static char *read_file(const char *path, size_t *size) {
    static char text[65536];
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (!file)
        return NULL;
    *size = fread(text, 1, sizeof text - 1, file);
    text[*size] = 0;
    (void)fclose(file);
    return text;
}

static void check(const char *name) {
    char path[1024], expected_path[1024];
    struct gpup_program program;
    char *errors = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(expected_path, sizeof expected_path, "%s/%.*s.expected", folder, (int)(strlen(name) - 5), name);
    char *text = read_file(path, &size);
    assert_non_null(text);
    assert_int_equal(gpup_program_parse(text, size, name, &program, &errors), -1);
    assert_non_null(errors);
    if (write_anew) {
        FILE *file = fopen(expected_path, "wb");
        assert_non_null(file);
        (void)fputs(errors, file);
        (void)fclose(file);
    }
    const char *expected = read_file(expected_path, &size);
    if (!expected || strcmp(expected, errors) != 0)
        fail_msg("%s\n--- expected\n%s--- found\n%s", name, expected ? expected : "(nothing)\n", errors);
    free(errors);
}

static void test_messages(void **state) {
    struct dirent *entry;
    unsigned count = 0;
    DIR *directory = opendir(folder);
    (void)state;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        check(entry->d_name);
        count++;
    }
    closedir(directory);
    assert_true(count >= 15);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages)};
    if (argc < 2)
        return 2;
    folder = argv[1];
    write_anew = argc > 2 && strcmp(argv[2], "--write") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
