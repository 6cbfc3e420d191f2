# evaluations, comparisons, attacks: whatever is measured on a run, each in a folder of its own
use rule original as measure with:
    output:
        **files("measure"),
    wildcard_constraints:
        run=folders("measure"),
    group:
        row
