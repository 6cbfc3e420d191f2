use rule original as unlearn with:
    output:
        **files("unlearn"),
    wildcard_constraints:
        run=folders("unlearn"),
