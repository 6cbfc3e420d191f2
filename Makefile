# make help lists the targets. Choices: STUDY SIZE METHODS SEEDS CORES DEVICE DETERMINISTIC GPU_JOBS PROFILE SITE VERIFY, as in
#   make reproduce STUDY=all SIZE=smoke
#   make reproduce STUDY=quickstart-cifar10 METHODS=salun,lur SEEDS=0 CORES=4 DEVICE=cuda PROFILE=default

STUDY   ?= quickstart
SIZE    ?= full
METHODS ?=
SEEDS   ?=
# nproc knows what this process may use; left alone it would believe OMP_NUM_THREADS
CORES   ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || sysctl -n hw.ncpu)
DEVICE  ?= auto
# of GPUs: the same bits each time; jobs that share one
DETERMINISTIC ?=
GPU_JOBS ?=
# one more than cores: tests of whole runs wait for their jobs
TESTERS ?= 3
PROFILE ?= default
# a folder with a config.yaml of one's own, laid over the profile
SITE    ?=
VERIFY  ?=
PYTHON  ?= python3
ARGS    ?=
# of bench
QUICK   ?=

# a study runs many processes: none should compile its modules again
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready
READY_TEST := .venv/.ready-test
# an environment that was copied or moved with its project would run the source of the place where it was made
STRANGER := $(shell test "$$(cat .venv/.place 2>/dev/null)" = "$$PWD" || rm -f $(READY) $(READY_TEST))
USABLE = import os, sys, pip; assert sys.version_info >= (3, 11); assert open(".venv/.place").read() == os.getcwd()
# a size of a study is a study of its own: gdr-gma-smoke extends gdr-gma. STUDY may name several, with commas
comma := ,
blank := $(subst x,,x x)
# what is chosen is taken as it is written: make itself would run what stands in $(shell …)
named = $(addsuffix $(if $(filter-out full,$(value SIZE)),-$(strip $(value SIZE))),$(subst $(comma), ,$(value STUDY)))
WANTED = $(subst $(blank),$(comma),$(strip $(named)))
# a value may hold blanks: the shell gets it as one word
quoted = '$(subst ','\'',$(strip $1))'
pair = $(if $(strip $2),$1=$(call quoted,$2))
CONFIG = study=$(call quoted,$(WANTED)) $(call pair,methods,$(value METHODS)) $(call pair,seeds,$(value SEEDS)) \
	$(call pair,device,$(value DEVICE)) $(call pair,deterministic,$(value DETERMINISTIC)) \
	$(call pair,gpu_jobs,$(value GPU_JOBS)) $(call pair,verify,$(value VERIFY))
# another profile than `default` says itself how many cores it may use: on a cluster they are those of one job
HERE = $(filter default,$(value PROFILE))
# Snakemake copies rule files to the user's cache, which may be read-only
CACHE := $(shell cache="$${XDG_CACHE_HOME:-$$HOME/.cache}"; mkdir -p "$$cache" 2>/dev/null; \
	test -w "$$cache" || echo 'XDG_CACHE_HOME="$${TMPDIR:-/tmp}/reunlearn-cache-$$(id -u)"')
SNAKEMAKE = env -u SNAKEMAKE_PROFILE $(CACHE) $(BIN)/snakemake \
	$(if $(value SITE),--profile $(call quoted,workflow/profiles/$(value PROFILE)) --workflow-profile $(call quoted,$(value SITE)),\
	--workflow-profile $(call quoted,workflow/profiles/$(value PROFILE))) $(if $(HERE),--cores $(call quoted,$(CORES))) \
	$(ARGS) --config $(CONFIG)

.DEFAULT_GOAL := help
.PHONY: help reproduce dry-run test test-thorough lint audit-packages fuzz faults bench mlflow snapshot slurm-demo slurm-test discriminate methods-on-digits attacks-cifar10 reference digits-pipeline settings docs screenshots restore axe

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

reproduce: $(READY) ## run a study and print where its report is
	@REUNLEARN_STARTED=$$(date +%s.%N) REUNLEARN_CORES=$(if $(HERE),$(call quoted,$(CORES))) REUNLEARN_EARLY=$(if $(HERE),1) \
		$(SNAKEMAKE)

dry-run: $(READY) ## say what make reproduce would run
	@$(SNAKEMAKE) --dry-run

test: $(READY_TEST) ## install what tests need, pass the checks and the tests
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory audit-packages
	@$(BIN)/python -m pytest -n $(TESTERS) --dist worksteal

test-thorough: $(READY_TEST) ## the tests that make test leaves out because they look again at what others do
	@$(BIN)/python -m pytest -m thorough -n $(TESTERS) --dist worksteal

lint: $(READY_TEST) ## style, types, workflow
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile workflow/rules && $(BIN)/snakemake --lint

audit-packages: $(READY_TEST) ## look the pinned packages up in the databases of known vulnerabilities, where one answers
	@$(BIN)/python .ci/audit_packages.py

fuzz: $(READY_TEST) ## 11,000 broken files: each is one line of error (a minute on 2 cores)
	@$(BIN)/python -m pytest -m fuzz tests/fuzz -n $(TESTERS)

faults: $(READY_TEST) ## disturb a study in 27 ways: each time the same bits; prints what each cost (20 minutes on 2 cores)
	@$(BIN)/python -m pytest -m faults tests/faults

bench: $(READY_TEST) ## measure speed, note it in benchmarks/history.jsonl, draw docs/speed.md (QUICK=1: small sizes, nothing is noted)
	@$(BIN)/python benchmarks/run.py $(if $(QUICK),--quick)

mlflow: $(READY) ## open the tracking store on 127.0.0.1:5000
	@$(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1

reference: $(READY) ## keep a study's tables, results and records in reports/reference
	@$(BIN)/python benchmarks/keep_reference.py $(call quoted,$(value STUDY))

discriminate: $(READY) ## print whether the quickstart tells methods apart, on its own and on other seeds
	@$(MAKE) --no-print-directory reproduce STUDY=quickstart
	@$(MAKE) --no-print-directory reproduce STUDY=quickstart-heldout
	@$(BIN)/python benchmarks/discriminate.py

methods-on-digits: $(READY) ## run every method in every scenario that it serves, on digits (a quarter of an hour on 2 cores)
	@$(MAKE) --no-print-directory reproduce STUDY=methods-on-digits

attacks-cifar10: $(READY) ## attack CIFAR-10 models with LiRA and RMIA, from 64 shadow models (a quarter of an hour on 2 cores)
	@$(MAKE) --no-print-directory reproduce STUDY=attacks-cifar10

digits-pipeline: $(READY) ## make the small text-to-image pipeline that text-to-image-on-digits needs (a minute)
	@$(BIN)/python -m reunlearn.commands.digits_pipeline

settings: $(READY) ## search the settings on digits again and write them to config/presets (19,000 jobs: hours)
	@$(MAKE) --no-print-directory reproduce STUDY=settings-on-digits
	@$(BIN)/reunlearn chosen settings-on-digits --write

docs: $(READY_TEST) ## write the generated pages and schemas anew, and build the manual in site/
	@$(BIN)/python -m reunlearn.commands.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build # not --quiet: it would let warnings pass
	@echo "manual: site/index.html"

screenshots: $(READY) ## make the pictures of the manual anew from a finished quickstart (needs chromium)
	@$(BIN)/python docs/build/screenshots.py

axe: ## fetch axe-core, with which tests look at pages as screen readers do (needs npm; the tests need chromium, too)
	@npm install --silent --no-save --no-package-lock --prefix .reunlearn/axe axe-core@4.10.3

restore: $(READY) ## in a fresh clone: pull the runs, verify them, let Snakemake know
	@$(BIN)/reunlearn restore

snapshot: $(READY) ## record the runs in runs.dvc and push them to the remote
	@$(BIN)/reunlearn snapshot

slurm-demo: $(READY) ## run a part of quickstart on a real single-machine Slurm (root, Debian): the same bits as here
	@PYTHON=$(abspath $(BIN)/python) workflow/slurm/demo.sh

slurm-test: $(READY_TEST) ## tests on a real single-machine Slurm (root, Debian)
	@REUNLEARN_SLURM=1 $(BIN)/python -m pytest -m "" tests/cluster

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11, or is not there; name another: make PYTHON=python3.11"; exit 1; }
	@$(BIN)/python -c '$(USABLE)' 2>/dev/null || { rm -rf .venv && $(PYTHON) -m venv .venv && printf %s "$$PWD" > .venv/.place; }
	@echo "installing the pinned packages (once)"
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --no-deps -e .
	@touch $@

$(READY_TEST): $(READY) requirements-test.lock
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements-test.lock
	@touch $@
