rule unlearn:
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
        run=paths.PATTERNS["unlearn"],
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    log:
        "logs/{run}.log",
    conda:
        "../../environment.yml"
    shell:
        "$REUNLEARN_JOB unlearn {input.specification} {log}"
