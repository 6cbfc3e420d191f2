# what generators draw
use rule original as sample with:
    wildcard_constraints:
        run=folders("sample"),
    params:
        stage="sample",


# evaluations, comparisons, attacks: whatever is measured on a run, each in a folder of its own
use rule original as measure with:
    wildcard_constraints:
        run=folders("measure"),
    params:
        stage="measure",
