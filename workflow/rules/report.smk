use rule split as aggregate with:
    input:
        specification=specification,
        manifests=manifests,
        records=records,
        artifacts=ancient(artifacts),
    output:
        **files("aggregate"),
    wildcard_constraints:
        run=folders("aggregate"),


use rule split as report with:
    output:
        **(files("report") | page()),
    wildcard_constraints:
        run=folders("report"),


# after the report, but a new page alone is no reason to log the results again: hence ancient
use rule split as track with:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
        report=ancient(ignored),
    output:
        **files("track"),
    wildcard_constraints:
        run=folders("track"),
