# Everything sets itself up: a machine needs make and a python3; where that is none of 3.11 to 3.13, uv downloads one. Try `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test-host test-unit test-chaos test bench bench-quick lint docs dist format clean cluster-host cluster-up cluster-down cluster-status cluster-load model run score test-cluster

BIN := .venv/bin
STAMP := .venv/.synced
TOOLS := .tools
DATA ?=
PYTHON ?= python3
CHOSEN = $$(PYTHON=$(PYTHON) sh tools/setup.sh python)
IMAGES ?= official
SNAPSHOT ?=
KUBEFLOW ?=
RUNNER ?=
MODEL ?=
PROJECT ?=
NAMESPACE ?=
OUT ?=
VERSION ?=

# a company's proxy signs with a certificate that the system trusts; a system without a store has uv's own list
CERTIFICATES := $(firstword $(wildcard $(addprefix /etc/,\
	ssl/certs/ca-certificates.crt pki/tls/certs/ca-bundle.crt ssl/ca-bundle.pem ssl/cert.pem)))
UV_SYSTEM_CERTS ?= $(if $(CERTIFICATES),true,false)
export UV_SYSTEM_CERTS

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install the locked environment into .venv

$(TOOLS)/bin/uv:
	@PYTHON=$(PYTHON) CERTIFICATES=$(CERTIFICATES) sh tools/setup.sh uv $(TOOLS)

$(STAMP): pyproject.toml uv.lock | $(TOOLS)/bin/uv
	@echo "installing the locked environment into .venv (about 1.9 GB)"
	@$(TOOLS)/bin/uv sync --frozen --quiet --compile-bytecode --python $(CHOSEN)
	@touch $@

demo: $(STAMP) ## the loop on one machine, about 2 minutes; DATA=folder shows it on your snapshots
	@$(BIN)/ratchet demo $(if $(DATA),--data $(DATA))

cluster-host: ## on a bare Debian machine, as root: install docker and what IMAGES=packages needs, start docker
	@sh cluster/host.sh

cluster-up: $(STAMP) ## the kind cluster with everything on it; IMAGES=packages pulls no image, KUBEFLOW=on|off|values.yaml, PROJECT=ratchet.yaml
	@$(BIN)/python -m cluster up --source $(IMAGES) $(if $(KUBEFLOW),--kubeflow $(KUBEFLOW)) $(if $(PROJECT),--project $(PROJECT))

cluster-load: $(STAMP) ## rebuild our image and upgrade the cluster to it, every model of it; PROJECT=ratchet.yaml replaces the first one's
	@$(BIN)/python -m cluster load $(if $(PROJECT),--project $(PROJECT))

cluster-status: $(STAMP) ## what runs there, and what serves, of every model
	@$(BIN)/python -m cluster status

cluster-down: $(STAMP) ## delete the cluster and its data
	@$(BIN)/python -m cluster down

model: $(STAMP) ## another model on the cluster: MODEL=name PROJECT=path/ratchet.yaml, NAMESPACE=name puts it into one of its own
	@$(BIN)/python -m cluster model --project $(or $(PROJECT),$(error name its project: make model MODEL=name PROJECT=path/ratchet.yaml)) $(if $(NAMESPACE),--namespace $(NAMESPACE)) $(or $(MODEL),$(error name it: make model MODEL=name PROJECT=path/ratchet.yaml))

run: $(STAMP) ## the pipeline on the cluster: SNAPSHOT=month_001, MODEL=name, RUNNER=job|kfp, DATA=folder uploads it first, FORCE=1, REPLACE=1
	@$(BIN)/python -m cluster run $(if $(MODEL),--model $(MODEL)) $(if $(NAMESPACE),--namespace $(NAMESPACE)) $(if $(RUNNER),--runner $(RUNNER)) $(if $(DATA),--data $(DATA)) $(if $(FORCE),--force) $(if $(REPLACE),--replace) $(or $(SNAPSHOT),$(error name the snapshot: make run SNAPSHOT=month_001))

score: $(STAMP) ## scores of a stored snapshot on the cluster: SNAPSHOT=month_001 (or latest) OUT=s3://bucket/scores.parquet, VERSION=3, MODEL=name
	@$(BIN)/python -m cluster score $(if $(MODEL),--model $(MODEL)) $(if $(NAMESPACE),--namespace $(NAMESPACE)) $(if $(VERSION),--version $(VERSION)) --out '$(or $(OUT),$(error name the place: make score SNAPSHOT=latest OUT=s3://bucket/scores.parquet))' $(or $(SNAPSHOT),$(error name the snapshot: make score SNAPSHOT=latest OUT=s3://bucket/scores.parquet))

test-cluster: $(STAMP) ## the loop on a kind cluster of its own, made of packages and taken away again
	@$(BIN)/python -m cluster test

test-host: ## on a Debian machine, as root: install Prometheus, Chromium and wrk, without which some tests are skipped
	@sh tests/host.sh

# What unit tests use: the other plugins that are installed, and the rewriting of their modules, take each worker seconds.
FEW_PLUGINS := --disable-plugin-autoload -p xdist -p pytest_timeout -p _hypothesis_pytestplugin

test-unit: $(STAMP) ## the unit tests alone
	@$(BIN)/pytest --quiet $(FEW_PLUGINS) --numprocesses 2 --dist worksteal tests/unit

test: lint ## lint, then all tests
	@$(BIN)/pytest --numprocesses 2 --dist loadfile

test-chaos: $(STAMP) ## kills, full and locked stores, hostile HTTP and tampering at random moments under a client, for 20 minutes
	@RATCHET_CHAOS_MINUTES=$${RATCHET_CHAOS_MINUTES:-15} $(BIN)/pytest tests/chaos

QUESTIONS := loop decisions years serving startup drift gate score

bench: $(STAMP) ## measure what the documents claim, beside what people would use: an hour on a machine with nothing else to do
	@for question in $(QUESTIONS); do echo "== $$question"; $(BIN)/python -m benchmarks.$$question || exit $$?; done

bench-quick: $(STAMP) ## that every benchmark runs, two at a time; numbers of so few draws and repeats mean nothing
	@printf '%s\n' $(QUESTIONS) | xargs -P 2 -I{} $(BIN)/python -m benchmarks.{} --quick

lint: $(STAMP) ## style, types, architecture, lock
	@$(TOOLS)/bin/uv lock --check --quiet
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

docs: $(STAMP) ## the docs site into site/, links checked
	@NO_MKDOCS_2_WARNING=1 $(TOOLS)/bin/uv run --frozen --quiet --group docs --python $(CHOSEN) python -m mkdocs build --strict

dist: $(TOOLS)/bin/uv ## the wheel and the sdist into dist/
	@rm -rf dist
	@$(TOOLS)/bin/uv build --quiet

format: $(STAMP) ## format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove environment, caches and the demo's folder (not .ratchet)
	rm -rf .venv $(TOOLS) .demo dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
