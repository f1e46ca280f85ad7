/* The documents a report consists of. */
#include <gpup/reports.h>

#include <errno.h>
#include <stdio.h>

const struct gpup_writer gpup_writers[] = {
    {"json", "results.json", gpup_write_json},    {"junit", "junit.xml", gpup_write_junit},
    {"tap", "results.tap", gpup_write_tap},       {"tap14", "results.tap14", gpup_write_tap14},
    {"sarif", "results.sarif", gpup_write_sarif}, {"markdown", "summary.md", gpup_write_markdown},
    {"html", "report.html", gpup_write_html},
};
const size_t gpup_writer_count = sizeof gpup_writers / sizeof *gpup_writers;

static bool write_one(const struct gpup_writer *w, const struct gpup_report *report, const char *path) {
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    errno = 0;
    bool ok = w->write(report, out) && !ferror(out);
    int reason = errno;
    ok = fclose(out) == 0 && ok;
    errno = errno ? errno : reason;
    return ok;
}

bool gpup_report_write_all(const struct gpup_report *report, const char *directory, const char **failed) {
    *failed = NULL;
    for (size_t i = 0; i < gpup_writer_count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", directory, gpup_writers[i].file);
        if (length < 0 || (size_t)length >= sizeof path)
            errno = ENAMETOOLONG;
        if ((size_t)length >= sizeof path || !write_one(&gpup_writers[i], report, path)) {
            *failed = gpup_writers[i].file;
            return false;
        }
    }
    return true;
}
