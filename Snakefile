# The whole chain, from raw data to a report:
#   prepare → split → original, retrained, shadow, state → unlearn → evaluate → compare, relearn, attack → aggregate
#   → report → track
# A study (config/studies/NAME.yaml) is expanded into jobs; each job is one folder. See config/README.md.
#
#   snakemake --workflow-profile workflow/profiles/default --config study=quickstart


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/unlearn.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


# on a cluster these run where Snakemake runs: they are quick, or need the network or the tracking store
localrules:
    all,
    prepare,
    split,
    compare,
    aggregate,
    report,
    track,


rule all:
    input:
        final_outputs(),


onstart:
    prepare_local_run()


onsuccess:
    print_summary()


onerror:
    report_holes()
