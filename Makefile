# Everything sets itself up: a machine needs Python 3.11 and make. Try `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format clean

BIN := .venv/bin
STAMP := .venv/.synced
TOOLS := .tools
DATA ?=
PYTHON ?= python3

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install the locked environment into .venv

$(TOOLS)/bin/uv:
	@echo "installing uv into $(TOOLS)"
	@$(PYTHON) -m venv $(TOOLS) || { echo "python3 -m venv does not work: install your system's python3-venv package" >&2; exit 2; }
	@$(TOOLS)/bin/pip install --quiet --disable-pip-version-check uv==0.13.9

$(STAMP): pyproject.toml uv.lock | $(TOOLS)/bin/uv
	@echo "installing the locked environment into .venv (about 1.1 GB)"
	@$(TOOLS)/bin/uv sync --frozen --quiet --compile-bytecode
	@touch $@

demo: $(STAMP) ## the loop on one machine, about 2 minutes; DATA=folder tells it on your snapshots
	@$(BIN)/ratchet demo $(if $(DATA),--data $(DATA))

test: lint ## lint, then all tests
	@$(BIN)/pytest

lint: $(STAMP) ## style, types, architecture, lock
	@$(TOOLS)/bin/uv lock --check --quiet
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(STAMP) ## format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove environment, caches and the demo's folder (not .ratchet)
	rm -rf .venv $(TOOLS) .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
