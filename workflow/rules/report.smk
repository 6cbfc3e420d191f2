use rule prepare as aggregate with:
    wildcard_constraints:
        run=folders("aggregate"),
    params:
        stage="aggregate",


use rule prepare as report with:
    output:
        "{run}/manifest.json",
        report("{run}/index.html", caption="../report/page.rst", category="Report"),
    wildcard_constraints:
        run=folders("report"),
    params:
        stage="report",


# after the report, but a new page alone is no reason to log the results again
use rule prepare as track with:
    input:
        inputs,
        ancient(ignored),
    wildcard_constraints:
        run=folders("track"),
    params:
        stage="track",
