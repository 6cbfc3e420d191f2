rule prepare:
    input:
        specification=specification,
    output:
        **files("prepare", "runs/{dataset}/prepared"),
        data=update("data/{dataset}/card.json"),
    log:
        "logs/runs/{dataset}/prepared.log",
    conda:
        "../../environment.yml"
    params:
        stage=stage,
        code=code,
    shell:
        "$REUNLEARN_JOB {params.stage} {input.specification} {log}"


# every rule below inherits from this one and states only what is its own
rule split:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
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
        code=code,
    shell:
        "$REUNLEARN_JOB {params.stage} {input.specification} {log}"
