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
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["unlearn"],
    conda:
        "../../environment.yml"
    resources:
        gpu=gpu,
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB unlearn {input.specification} {log}"
