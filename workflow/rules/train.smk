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
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["original"],
    conda:
        "../../environment.yml"
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code,
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
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["retrained"],
    conda:
        "../../environment.yml"
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code,
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
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["shadow"],
    conda:
        "../../environment.yml"
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code,
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
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["state"],
    conda:
        "../../environment.yml"
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB state {input.specification} {log}"
