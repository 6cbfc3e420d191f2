# The whole chain, from raw data to a report:
#   prepare → split → original, retrained, shadow, state → unlearn → evaluate → attack → aggregate → report → track
# A study (config/studies/NAME.yaml) is expanded into jobs; each job is one folder. See config/README.md.
#
#   snakemake --workflow-profile workflow/profiles/default --config study=quickstart


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/unlearn.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    input:
        final_outputs(),


onstart:
    start_worker()


onsuccess:
    print_summary()


onerror:
    report_holes()
