/* Text on its way into a document: nothing in it means anything there. */
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// cmocka.h needs the ones above
#include <cmocka.h>

static void is(enum text_form form, const char *text, const char *expected) {
    char *out = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&out, &size);
    assert_non_null(memory);
    text_put(memory, form, text);
    fclose(memory);
    assert_string_equal(out, expected);
    free(out);
}

static void plain(void **state) {
    (void)state;
    is(TEXT_PLAIN, NULL, "");
    is(TEXT_PLAIN, "a \xc3\xa4 \xe4\xb8\xad \xf0\x9f\x98\x80", "a \xc3\xa4 \xe4\xb8\xad \xf0\x9f\x98\x80");
    is(TEXT_PLAIN, "a\tb\r\n\x1b[31m\x7f", "a\\x09b\\x0d\\x0a\\x1b[31m\\x7f");
    is(TEXT_PLAIN, "\xc2\x85\xe2\x80\xae\xef\xbb\xbf\xef\xbf\xbe", "\\x85\\u202e\\ufeff\\ufffe");
}

/* Lone and missing continuations, overlong forms, surrogates, beyond the last code point, cut at the end. */
static void no_utf8(void **state) {
    static const char *const bad[] = {"\x80", "\xff", "\xc0", "\xc3", "\xf5", "\xfe"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is(TEXT_PLAIN, bad[i], "\xef\xbf\xbd");
    is(TEXT_PLAIN, "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
    is(TEXT_PLAIN, "\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is(TEXT_PLAIN, "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is(TEXT_PLAIN, "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is(TEXT_PLAIN, "\xe4\xb8", "\xef\xbf\xbd\xef\xbf\xbd");
    is(TEXT_PLAIN, "\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void markup(void **state) {
    (void)state;
    is(TEXT_XML, "<a b='c' d=\"e\">&]]>", "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;]]&gt;");
    is(TEXT_TAP, "a # SKIP \\", "a \\# SKIP \\\\");
    is(TEXT_QUOTED, "\"x\": \\ # y\n", "\\\"x\\\": \\\\ # y\\\\x0a");
    is(TEXT_MARKDOWN, "<b> [x](y) `z` *a* @b #1", "&lt;b&gt; \\[x\\]\\(y\\) \\`z\\` \\*a\\* \\@b \\#1");
    is(TEXT_CODE, "<b>@you", "`<b>@you`");
    is(TEXT_CODE, "a``b`", "``` a``b` ```");
    is(TEXT_CODE, "", "`  `");
}

static void bounded(void **state) {
    size_t size = 3 << 20;
    char *text = malloc(size + 1);
    (void)state;
    assert_non_null(text);
    memset(text, '<', size);
    text[size] = 0;
    char *copy = text_copy(text);
    assert_non_null(copy);
    assert_int_equal(strspn(copy, "<"), TEXT_LIMIT);
    assert_string_equal(copy + TEXT_LIMIT, "... (3143680 bytes left out)");
    free(copy);
    free(text);
}

static void words_of_a_shell(void **state) {
    static const char *const rows[][2] = {{"reference:BUG-001", "reference:BUG-001"},
                                          {"./my driver.so", "'./my driver.so'"},
                                          {"a'b;$(c)`d`", "'a'\\''b;$(c)`d`'"},
                                          {"", "''"},
                                          {"--help", "'--help'"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *word = text_shell(rows[i][0]);
        assert_string_equal(word, rows[i][1]);
        free(word);
    }
    assert_true(text_is_plain("msix/program-all"));
    assert_false(text_is_plain("a\nb"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(no_utf8),
                                       cmocka_unit_test(markup), cmocka_unit_test(bounded),
                                       cmocka_unit_test(words_of_a_shell)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
