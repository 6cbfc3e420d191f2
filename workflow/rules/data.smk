rule prepare:
    input:
        inputs,
    output:
        **files("prepare", "runs/{dataset}/prepared"),
    log:
        "logs/runs/{dataset}/prepared.log",
    conda:
        "../../environment.yml"
    params:
        stage=stage,
        specification=specification,
    shell:
        '"$REUNLEARN_PYTHON" -S -E "$REUNLEARN_CLIENT" {params.stage:q} {params.specification:q} {log:q}'


# every rule below inherits from this one and states only what is its own
rule split:
    input:
        inputs,
    output:
        **files("split"),
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=folders("split"),
    conda:
        "../../environment.yml"
    params:
        stage=stage,
        specification=specification,
    shell:
        '"$REUNLEARN_PYTHON" -S -E "$REUNLEARN_CLIENT" {params.stage:q} {params.specification:q} {log:q}'
