use rule original as unlearn with:
    wildcard_constraints:
        run=folders("unlearn"),
    params:
        stage="unlearn",


# the trials of a search are unlearned by the rule above; what is chosen among them is told by probes without test data
use rule original as probe with:
    wildcard_constraints:
        run=folders("probe"),
    params:
        stage="probe",


use rule split as choose with:
    wildcard_constraints:
        run=folders("choose"),
    params:
        stage="choose",
