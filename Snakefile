# The whole chain, from raw data to a report:
#   prepare → split → original, retrained, shadow, state → unlearn → measure → aggregate → report → track
#   settings that are searched: unlearn → probe → choose → unlearn; generators: draw, unlearn → sample → measure
# A study (config/studies/NAME.yaml) is expanded into jobs; each job is one folder; src/reunlearn/study/stages.py lists the stages. See config/README.md.
#
#   snakemake --workflow-profile workflow/profiles/default --config study=quickstart


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/course.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/unlearn.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/report.smk"


rule all:
    input:
        final_outputs,


onstart:
    prepare_run()


onsuccess:
    print_summary()


onerror:
    report_failures()
