# Two commands for a newcomer: `make demo` and `make test`. Both do all set-up themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
ARGS ?=
ROUNDS ?= 200
LEDGER ?= both
BENCH := PYTHONPATH=tests/acceptance:tests/benchmarks:tests/servers $(BIN)/python tests/benchmarks

.PHONY: help setup demo test lint serve bench bench-store bench-report profile memory chaos fuzz sbom lock clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: .venv/ready ## Make .venv with hutong in it (pinned, hashes checked)

.venv/ready: constraints.txt pyproject.toml scripts/setup
	@scripts/setup $(PYTHON)

demo: setup ## One enterprise's story through five platforms (ARGS=--once ends by itself)
	@$(BIN)/hutong demo $(ARGS)

# What is promised about whole processes is tested last and alone: two at a time would measure each other.
test: lint ## Everything that must be green: lint, types, layers, tests (about 20 minutes; ARGS="tests/schemas -x" for some)
	@$(BIN)/pytest $(or $(ARGS),-n 2 --dist loadfile tests --ignore tests/acceptance)
	@$(if $(ARGS),,$(BIN)/pytest tests/acceptance)

lint: setup ## Style, types and layer contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

serve: setup ## Run the gateway on SQLite in this folder
	@$(BIN)/hutong serve $(ARGS)

bench: setup .rivals/ready ## The gateway beside other pipelines, as ratios of one run (ARGS="--rounds 3 --seconds 5")
	@$(BIN)/python tests/benchmarks/mapping.py
	@$(BENCH)/pipelines.py $(ARGS)
	@$(BENCH)/steady.py

profile: setup .rivals/ready ## Where a document's processor time goes, stage by stage (ARGS="--seconds 10")
	@$(BENCH)/stages.py $(ARGS)

memory: setup .rivals/ready ## The gateway's memory while a million documents pass (ARGS="--memory 1000000")
	@$(BENCH)/steady.py $(or $(ARGS),--memory 1000000)

bench-store: setup .rivals/ready ## The same in a small and in a large ledger (ARGS="--messages 100000 1000000")
	@$(BENCH)/store.py $(ARGS)

bench-report: setup ## The regular report of a nation, and what it costs to keep (ARGS="--inspections 100000 --months 10")
	@$(BENCH)/report.py $(ARGS)

.rivals/ready: scripts/rivals tests/benchmarks/rivals/requirements.txt tests/benchmarks/rivals/node_red/version
	@scripts/rivals $(PYTHON)

chaos: setup ## Faults under load, judged: ROUNDS=200, LEDGER=postgresql or sqlite, else both (ARGS=--help)
	@scripts/chaos
	@PYTHONPATH=tests/chaos:tests/acceptance:tests/servers $(BIN)/python tests/chaos/chaos.py --rounds $(ROUNDS) --ledger $(LEDGER) $(ARGS)

fuzz: setup ## Hostile bytes at every parser, ten minutes each (ARGS="--seconds 60 json xml")
	@$(BIN)/python tests/fuzz/fuzz.py $(ARGS)

sbom: setup ## What production is made of, with licences and hashes, as CycloneDX (ARGS=FILE)
	@$(BIN)/python scripts/supply.py $(or $(ARGS),build/sbom.cdx.json)

lock: ## Pin every dependency anew, with hashes and without registry addresses
	@scripts/lock

clean: ## Remove what was made
	@rm -rf .venv .rivals .tools .demo .chaos build dist
