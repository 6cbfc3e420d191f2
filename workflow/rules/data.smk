rule prepare:
    input:
        specification=specification,
    output:
        manifest="runs/{dataset}/prepared/manifest.json",
        record="runs/{dataset}/prepared/record.json",
        files="runs/{dataset}/prepared/files.json",
        data=update("data/{dataset}/card.json"),
    log:
        "logs/runs/{dataset}/prepared.log",
    conda:
        "../../environment.yml"
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB prepare {input.specification} {log}"


rule split:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        indices="{run}/indices.npz",
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["split"],
    conda:
        "../../environment.yml"
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB split {input.specification} {log}"
