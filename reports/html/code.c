/* Which code of the implementation ran, where ./cts coverage counted it (tool/coverage.sh). */
#include "html.h"

#include <jansson.h>
#include <string.h>

/* Hit and found, of a file that may hold anything. */
static bool counts(const json_t *run, const char *what, json_int_t *hit, json_int_t *found) {
    const json_t *pair = json_object_get(run, what);
    *hit = json_integer_value(json_array_get(pair, 0));
    *found = json_integer_value(json_array_get(pair, 1));
    return json_array_size(pair) == 2 && *hit >= 0 && *hit <= *found;
}

static void cell(FILE *out, const json_t *run, const char *what) {
    json_int_t hit, found;
    if (!counts(run, what, &hit, &found) || found == 0)
        fputs("<td>none</td>", out);
    else
        fprintf(out, "<td>%.1f %% <small>of %lld</small></td>", 100.0 * (double)hit / (double)found,
                (long long)found);
}

static void row(FILE *out, const json_t *run) {
    static const char *const names[][2] = {{"conformance", "Conformance"},
                                           {"corpus", "Corpus of found programs"},
                                           {"together", "Both together"}};
    const char *name = json_string_value(json_object_get(run, "name"));
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i][0]) != 0)
            continue;
        fprintf(out, "<tr><th scope=\"row\"><a href=\"coverage/%s/index.html\">%s</a></th>", names[i][0],
                names[i][1]);
        cell(out, run, "lines");
        cell(out, run, "functions");
        cell(out, run, "branches");
        fputs("</tr>", out);
    }
}

/* Nothing without figures, or with those of another build. */
void part_code(struct page *p) {
    const struct gpup_report *r = p->report;
    json_t *root = r->code ? json_loads(r->code, 0, NULL) : NULL;
    const char *hash = json_string_value(json_object_get(root, "hash"));
    json_t *runs = json_object_get(root, "runs"), *run;
    size_t i;
    if (hash && strcmp(hash, r->results->implementation_hash) == 0 && json_array_size(runs)) {
        fputs("<h3 id=\"code\">Code of the implementation that ran</h3><div class=\"wide\" tabindex=\"0\" "
              "role=\"region\" aria-label=\"Code that ran\"><table><thead><tr><th scope=\"col\">programs</th>"
              "<th scope=\"col\">lines</th><th scope=\"col\">functions</th><th scope=\"col\">branches</th>"
              "</tr></thead><tbody>",
              p->out);
        json_array_foreach(runs, i, run) row(p->out, run);
        fputs("</tbody></table></div>", p->out);
    }
    json_decref(root);
}
