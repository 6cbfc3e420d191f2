rule original:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        model="{run}/model.safetensors",
        history="{run}/history.jsonl",
    params:
        code=code,
    wildcard_constraints:
        run=paths.PATTERNS["original"],
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    log:
        "logs/{run}.log",
    conda:
        "../../environment.yml"
    shell:
        "$REUNLEARN_JOB original {input.specification} {log}"


rule retrained:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        model="{run}/model.safetensors",
        history="{run}/history.jsonl",
    params:
        code=code,
    wildcard_constraints:
        run=paths.PATTERNS["retrained"],
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    log:
        "logs/{run}.log",
    conda:
        "../../environment.yml"
    shell:
        "$REUNLEARN_JOB retrained {input.specification} {log}"


rule shadow:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        outputs="{run}/outputs.npz",
    params:
        code=code,
    wildcard_constraints:
        run=paths.PATTERNS["shadow"],
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    log:
        "logs/{run}.log",
    conda:
        "../../environment.yml"
    shell:
        "$REUNLEARN_JOB shadow {input.specification} {log}"


rule state:
    input:
        specification=specification,
        manifests=manifests,
        artifacts=ancient(artifacts),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",

    params:
        code=code,
    wildcard_constraints:
        run=paths.PATTERNS["state"],
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    log:
        "logs/{run}.log",
    conda:
        "../../environment.yml"
    shell:
        "$REUNLEARN_JOB state {input.specification} {log}"
