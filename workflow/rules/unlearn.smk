use rule original as unlearn with:
    output:
        **files("unlearn"),
    wildcard_constraints:
        run=folders("unlearn"),


# the trials of a search are unlearned by the rule above; what is chosen among them is told by probes without test data
use rule original as probe with:
    output:
        **files("probe"),
    wildcard_constraints:
        run=folders("probe"),


use rule split as choose with:
    output:
        **files("choose"),
    wildcard_constraints:
        run=folders("choose"),
