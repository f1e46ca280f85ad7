#include "count.h"

#include <string.h>

unsigned count_area(const struct gpup_report *report, const char *area, unsigned count[GPUP_VERDICTS]) {
    unsigned all = 0;
    memset(count, 0, GPUP_VERDICTS * sizeof *count);
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (report->selected[i] && (!area || strcmp(gpup_rules[i].area, area) == 0)) {
            count[report->rules[i].verdict]++;
            all++;
        }
    return all;
}

unsigned count_next_area(unsigned rule) {
    unsigned next = rule;
    while (next < gpup_spec_counts.rules && strcmp(gpup_rules[next].area, gpup_rules[rule].area) == 0)
        next++;
    return next;
}

struct count_required count_required(const struct gpup_report *report) {
    struct count_required sum = {0};
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        if (!gpup_report_required(report, i))
            continue;
        if (report->expected[i]) {
            sum.excused++;
            continue;
        }
        unsigned verdict = report->rules[i].verdict;
        bool beyond = report->rules[i].reason == GPUP_REASON_BEYOND;
        sum.passed += verdict == GPUP_PASS;
        sum.failed += verdict == GPUP_FAIL;
        sum.inapplicable += verdict == GPUP_NOT_APPLICABLE;
        sum.beyond += beyond;
        sum.unjudged +=
            !beyond && verdict != GPUP_PASS && verdict != GPUP_FAIL && verdict != GPUP_NOT_APPLICABLE;
    }
    return sum;
}
