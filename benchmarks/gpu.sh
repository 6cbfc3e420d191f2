#!/usr/bin/env bash
# All figures of a GPU in one call of at most 8 minutes, on a bare machine; started again, it goes on.
#
#   benchmarks/gpu.sh --wheels           where there is a network: fetch what such a machine lacks (pydantic, …) into .gpu-wheels
#   OUT=out benchmarks/gpu.sh            there: every section that OUT/gpu.json lacks, then the table; with SEEN=FILE
#                                        it goes on from the gpu.json of an earlier call, on another machine too
#   OUT=out benchmarks/gpu.sh --dry-run  anywhere: every section in tiny sizes
#
# The machine needs Python 3.12 with torch, torchvision and numpy; PYTHON names another.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
wheels=.gpu-wheels
if [ "${1:-}" = --wheels ]; then
    pins=$(grep -E '^(pydantic|pydantic-core|annotated-types|typing-extensions|typing-inspection|safetensors|pyyaml)==' requirements.lock)
    # shellcheck disable=SC2086
    exec "$python" -m pip download --quiet --no-deps --only-binary=:all: --implementation cp --python-version 3.12 \
        --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 --dest "$wheels" $pins
fi
: "${OUT:?say where figures go: OUT=folder}"
mkdir -p "$OUT"
if [ -n "${SEEN:-}" ] && [ ! -e "$OUT/gpu.json" ]; then cp "$SEEN" "$OUT/gpu.json"; fi
export PYTHONPATH="$PWD/src" PYTHONUNBUFFERED=1 REUNLEARN_STATE="${TMPDIR:-/tmp}/reunlearn-gpu-$(id -u)"
if [ -d "$wheels" ] && ! "$python" -c 'import pydantic, safetensors, yaml' 2>/dev/null; then
    site="$REUNLEARN_STATE/site"
    mkdir -p "$site"
    for wheel in "$wheels"/*.whl; do "$python" -m zipfile -e "$wheel" "$site"; done
    export PYTHONPATH="$PYTHONPATH:$site"
fi
"$python" benchmarks/gpu.py "$@" 2>&1 | tee -a "$OUT/log"
"$python" benchmarks/gpu_table.py "$OUT/gpu.json" 2>&1 | tee -a "$OUT/log"
