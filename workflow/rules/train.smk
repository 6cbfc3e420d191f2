use rule split as original with:
    output:
        **files("original"),
    wildcard_constraints:
        run=folders("original"),
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,


use rule original as retrained with:
    output:
        **files("retrained"),
    wildcard_constraints:
        run=folders("retrained"),


use rule split as given with:
    output:
        **files("given"),
    wildcard_constraints:
        run=folders("given"),


use rule original as shadow with:
    output:
        **files("shadow"),
    wildcard_constraints:
        run=folders("shadow"),


use rule original as state with:
    output:
        **files("state"),
    wildcard_constraints:
        run=folders("state"),
