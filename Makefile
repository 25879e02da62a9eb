# Two commands for a newcomer: `make demo` and `make test`. Both do all set-up themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
ARGS ?=

.PHONY: help setup demo test lint serve bench rivals chaos fuzz lock clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/ready ## Make .venv with hutong in it (pinned, hashes checked)

.venv/ready: constraints.txt pyproject.toml scripts/setup
	@scripts/setup $(PYTHON)

demo: setup ## One enterprise's story through five platforms (ARGS=--once ends by itself)
	@$(BIN)/hutong demo $(ARGS)

test: lint ## Everything that must be green: lint, types, layers, tests (about 10 minutes)
	@$(BIN)/pytest $(ARGS)

lint: setup ## Style, types and layer contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

serve: setup ## Run the gateway on SQLite in this folder
	@$(BIN)/hutong serve $(ARGS)

bench: setup ## Throughput as ratios against baselines in the same run
	@$(BIN)/python tests/benchmarks/mapping.py
	@PYTHONPATH=tests/acceptance $(BIN)/python tests/benchmarks/run.py $(ARGS)

rivals: setup .rivals/ready ## The gateway beside nginx, taskiq and Celery pipelines in one run (ARGS="--rounds 3 --seconds 5")
	@PYTHONPATH=tests/acceptance:tests/benchmarks $(BIN)/python tests/benchmarks/pipelines.py $(ARGS)

.rivals/ready: scripts/rivals tests/benchmarks/rivals/requirements.txt
	@scripts/rivals $(PYTHON)

chaos: setup ## The long kill test: two hundred SIGKILLs under load
	@KILLS=200 $(BIN)/pytest tests/acceptance/test_nothing_lost.py -s $(ARGS)

fuzz: setup ## Hostile bytes at every parser, ten minutes each (ARGS="--seconds 60 json xml")
	@$(BIN)/python tests/fuzz/fuzz.py $(ARGS)

lock: ## Pin every dependency anew, with hashes and without registry addresses
	@scripts/lock

clean: ## Remove what was made
	@rm -rf .venv .rivals .demo build dist
