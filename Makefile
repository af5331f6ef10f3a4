.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install dev demo up test lint type arch bench mutate eval lab repositories year golden lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.run ## create .venv with kfix in it
dev: $(VENV)/.dev ## the same with everything that tests need

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("K-Fix needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	@touch $@

demo: $(VENV)/.run ## the whole chain on embedded defaults: an alert becomes a merge request, and an outcome
	@$(BIN)/kfix demo

up: $(VENV)/.run ## all stages in one process on this machine
	@$(BIN)/kfix up

test: $(VENV)/.dev ## every check and every suite that this machine can run
	@$(BIN)/python tests/run.py

lint: $(VENV)/.dev ## ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

type: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

arch: $(VENV)/.dev ## import-linter contracts
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## the benchmarks, as ratios against a baseline of the same run
	@$(BIN)/python -m tools.bench

mutate: $(VENV)/.dev ## plant faults in a copy and tell which of them no test notices (AREA=… COUNT=… SEED=… FRESH=1)
	@$(BIN)/python -m tools.mutate $(AREA) $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(FRESH),--fresh) $(ARGS)

eval: $(VENV)/.run ## score the rules on folders of captured cases (CASES=… EXPECTED=…)
	@$(BIN)/python -m tools.evaluation $(if $(CASES),--cases $(CASES)) $(if $(EXPECTED),--expected $(EXPECTED)) $(ARGS)

lab: $(VENV)/.dev ## make cases of known faults on a real control plane and score them (SEED=… COUNT=… OUT=…); needs Go
	@$(BIN)/python -m tools.lab $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT)) $(if $(OUT),--out $(OUT)) $(ARGS)

repositories: $(VENV)/.dev ## ask edits in repositories made by chance, judged by kustomize and helm (COUNT=… FIRST=…)
	@$(BIN)/python -m tools.repositories $(or $(COUNT),200) $(or $(FIRST),0) $(ARGS)

year: $(VENV)/.run ## a simulated year: what ranking by outcomes gains over the rules' own order (SEEDS=1,2,3 COUNT=…)
	@$(BIN)/python -m tools.year $(if $(SEEDS),--seeds $(SEEDS)) $(if $(COUNT),--incidents $(COUNT)) $(ARGS)

golden: $(VENV)/.dev ## name the answers that changed and keep the new digests
	@$(BIN)/python -m tests.golden.golden_digests write
	@$(BIN)/python -m tests.support.decide.answers
	@$(BIN)/python -m tests.support.decide.scenes.found
	@$(BIN)/python -m tests.support.manifests.answers
	@$(BIN)/python -m tests.support.safety.answers

lock: ## re-lock the dependencies
	requirements/compile

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
