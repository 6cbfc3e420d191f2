use rule original as unlearn with:
    wildcard_constraints:
        run=folders("unlearn"),
    params:
        stage="unlearn",
