# the rules of jobs that a cluster runs inherit from this one
use rule prepare as original with:
    wildcard_constraints:
        run=folders("original"),
    group:
        batch if MAY_BE_GROUPED else None
    resources:
        gpu=gpu if MAY_HAVE_GPU else 0,
        gpu_model=gpu_model if MAY_HAVE_GPU and GPU_MODEL else "",
        mem_mb=memory,
        runtime=minutes,
        cpus_per_task=cpus,
    params:
        stage="original",


# datasets that a network draws of a user's prompts
use rule original as draw with:
    wildcard_constraints:
        run=folders("draw"),
    params:
        stage="draw",


use rule original as retrained with:
    wildcard_constraints:
        run=folders("retrained"),
    params:
        stage="retrained",


use rule original as given with:
    wildcard_constraints:
        run=folders("given"),
    params:
        stage="given",


use rule original as shadow with:
    wildcard_constraints:
        run=folders("shadow"),
    params:
        stage="shadow",


use rule original as state with:
    wildcard_constraints:
        run=folders("state"),
    params:
        stage="state",
