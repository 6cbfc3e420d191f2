#!/usr/bin/env bash
# Runs a study twice, in two copies of this project: on this machine, and on a real single-machine Slurm through the
# profile `slurm`. Succeeds if every run folder holds the same bits. Root and Debian only; see docs/slurm.md.
#
#   demo.sh [KEY=VALUE ...]     Snakemake configuration; a part of the study quickstart if none is given
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
PYTHON=${PYTHON:-python3}
[ $# -gt 0 ] || set -- study=quickstart methods=finetune,gradient_ascent seeds=0
FOLDER=$(mktemp -d -t reunlearn-slurm-XXXXXX)
LIMIT=1200 # seconds for each of the two runs

finish() {
    code=$?
    "$ROOT/workflow/slurm/cluster.sh" stop "$FOLDER/cluster"
    if [ $code = 0 ]; then rm -rf "$FOLDER"; else echo "slurm-demo failed; what it left: $FOLDER" >&2; fi
}

copy_project() {
    mkdir "$1"
    for name in src workflow config Snakefile environment.yml data.dvc .dvcignore; do
        [ ! -e "$ROOT/$name" ] || cp -a "$ROOT/$name" "$1"
    done
}

# run COPY PROFILE OPTIONS...: the study in one of the copies
run() {
    local copy="$FOLDER/$1" profile=$2
    shift 2
    (cd "$copy" && PYTHONPATH="$copy/src" timeout -k 30 "$LIMIT" "$PYTHON" -m snakemake \
        --workflow-profile "workflow/profiles/$profile" "$@") >"$copy.log" 2>&1 ||
        { tail -n 30 "$copy.log" >&2 && false; }
}

trap finish EXIT
copy_project "$FOLDER/local"
copy_project "$FOLDER/slurm"
unset REUNLEARN_WORKER REUNLEARN_COLD REUNLEARN_STARTED
"$ROOT/workflow/slurm/cluster.sh" start "$FOLDER/cluster"

SECONDS=0
run local default --cores "$(nproc --all)" --config "$@" device=cpu
echo "slurm-demo: here, in $SECONDS s"

SECONDS=0
# without an accounting database, squeue is the one to ask
run slurm slurm --slurm-status-command squeue --seconds-between-status-checks 3 --config "$@" device=cpu
echo "slurm-demo: on Slurm, in $SECONDS s, $(squeue --noheader --states=all | wc -l) Slurm jobs"

"$PYTHON" "$ROOT/workflow/slurm/compare.py" "$FOLDER/local/runs" "$FOLDER/slurm/runs"
