# `make help` lists what can be done. Everything lands in .venv/ and .genuka/; nothing else is touched.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ROUNDS ?= 25
SEED ?= 20261122
SIDE_BY_SIDE ?= -n 2 --dist loadfile --no-loadscope-reorder
export GENUKA_ROUNDS = $(ROUNDS)
export GENUKA_SEED = $(SEED)

.DEFAULT_GOAL := help
.PHONY: help setup demo test dev lint bench campaign pins clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv/

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed; run make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up .venv/ (once, one to three minutes) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' 2> >(grep -v 'is ignored: it is neither' >&2)
	@touch $@

demo: $(READY) ## the main job: embedded services, a synthetic Genuka, every category observed, checked and staged
	@$(BIN)/genuka demo

test: $(READY) ## the whole suite, on a real PostgreSQL, MariaDB (where installed) and S3 server
	@$(BIN)/lint-imports --no-cache > /dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --durations=10

dev: $(READY) ## the Dagster UI with the demo's history, on http://127.0.0.1:3000
	@$(BIN)/genuka up > /dev/null
	@DAGSTER_HOME="$$($(BIN)/genuka home)/dagster" $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $${PORT:-3000}

lint: $(READY) ## style, strict types, floors, definitions
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(READY) ## the figures of docs/figures.md, measured side by side
	@$(BIN)/python -m benchmarks

campaign: $(READY) ## the suite with the full number of rounds
	@GENUKA_ROUNDS=$${CAMPAIGN_ROUNDS:-1000} $(BIN)/python -m pytest $(SIDE_BY_SIDE) --durations=20

pins: ## make constraints.txt anew from pyproject.toml (needs uv)
	@uv pip compile --quiet --no-emit-index-url --universal --no-header --no-annotate --python-version 3.11 --all-extras pyproject.toml -o constraints.txt
	@sed -i "s/ ; python_full_version < '3.14' and sys_platform != 'win32'$$//; s/ and sys_platform != 'win32'//; s/python_full_version < '3.14' and //; s/ and python_full_version < '3.14'//" constraints.txt

clean: ## stop the embedded services and remove .genuka/ (asks the embedded stack for its own mark first)
	@test ! -x $(BIN)/genuka || $(BIN)/genuka down --wipe
