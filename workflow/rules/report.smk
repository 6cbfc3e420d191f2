rule aggregate:
    input:
        specification=specification,
        manifests=manifests,
        records=records,
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        results="{run}/results.parquet",
        samples="{run}/samples.parquet",
        classes="{run}/classes.parquet",
        scores="{run}/scores.parquet",
        runs="{run}/runs.json",
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["aggregate"],
    conda:
        "../../environment.yml"
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB aggregate {input.specification} {log}"


rule report:
    input:
        specification=specification,
        manifests=manifests,
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        page=report("{run}/index.html", caption="../report/page.rst", category="Report"),
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["report"],
    conda:
        "../../environment.yml"
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB report {input.specification} {log}"


# after the report, but a new page alone is no reason to log the results again: hence ancient
rule track:
    input:
        specification=specification,
        results=tracked_results,
        report=ancient(tracked_report),
    output:
        manifest="{run}/manifest.json",
        record="{run}/record.json",
        tracked="{run}/tracked.json",
    log:
        "logs/{run}.log",
    wildcard_constraints:
        run=paths.PATTERNS["track"],
    conda:
        "../../environment.yml"
    params:
        code=code,
    shell:
        "$REUNLEARN_JOB track {input.specification} {log}"
