use rule split as aggregate with:
    output:
        **files("aggregate"),
    wildcard_constraints:
        run=folders("aggregate"),


use rule split as report with:
    output:
        **(files("report") | page()),
    wildcard_constraints:
        run=folders("report"),


# after the report, but a new page alone is no reason to log the results again
use rule split as track with:
    input:
        inputs,
        ancient(ignored),
    output:
        **files("track"),
    wildcard_constraints:
        run=folders("track"),
