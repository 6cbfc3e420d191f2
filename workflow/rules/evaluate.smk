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
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["evaluate"],
    group:
        row
    conda:
        "../../environment.yml"
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB evaluate {input.specification} {log}"


rule compare:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        readings="{run}/readings.json",
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["compare"],
    conda:
        "../../environment.yml"
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB compare {input.specification} {log}"


rule relearn:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        relearning="{run}/relearning.json",
        history="{run}/history.jsonl",
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["relearn"],
    conda:
        "../../environment.yml"
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB relearn {input.specification} {log}"


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
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["attack"],
    group:
        row
    conda:
        "../../environment.yml"
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB attack {input.specification} {log}"
