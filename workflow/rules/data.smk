# every rule below inherits from this one and states only what is its own: the folders that its jobs fill, what it asks for
rule prepare:
    input:
        inputs,
    output:
        # the last file that a job writes; it vouches for all others
        "{run}/manifest.json",
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=folders("prepare"),
    conda:
        "../../environment.yml"
    container:
        IMAGE
    params:
        stage="prepare",
    shell:
        '"$REUNLEARN_PYTHON" -S -E "$REUNLEARN_CLIENT" {params.stage} {wildcards.run:q}/specification.json {log:q}'


use rule prepare as split with:
    wildcard_constraints:
        run=folders("split"),
    params:
        stage="split",
