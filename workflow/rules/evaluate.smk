rule evaluate:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        outputs="{run}/outputs.npz",
        metrics="{run}/metrics.json",
    params:
        code=code,
    wildcard_constraints:
        run=paths.PATTERNS["evaluate"],
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    log:
        "logs/{run}.log",
    conda:
        "../../environment.yml"
    shell:
        "$REUNLEARN_JOB evaluate {input.specification} {log}"


rule attack:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        result="{run}/result.json",
        scores="{run}/scores.npz",
    params:
        code=code,
    wildcard_constraints:
        run=paths.PATTERNS["attack"],
    log:
        "logs/{run}.log",
    conda:
        "../../environment.yml"
    shell:
        "$REUNLEARN_JOB attack {input.specification} {log}"
