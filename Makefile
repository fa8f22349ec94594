# The verbs of the project. Each does its own set-up: a Python >= 3.11 and make are enough.
#
#   PY           the Python that builds the environment          make demo PY=python3.12
#   TORCH_INDEX  package index to take torch from, if not the default one
#   VENV         where the environment lies
#   JOBS         test processes
#   ARGS         passed on to the command                        make test ARGS="-k graph -x"

PY ?= python3
VENV ?= .venv
TORCH_INDEX ?=
JOBS ?= 2
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest -q -n $(JOBS)

# Many small batches: a second thread costs more than it brings.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint format bench results clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY)  ## build the environment, or bring it up to date

demo: $(READY)  ## collect, learn, act and report on C-Maze
	$(BIN)/plan2vec demo $(ARGS)

test: $(READY)  ## the fast tests
	$(PYTEST) -m "not slow and not gpu" $(ARGS)

test-all: $(READY)  ## all tests, with the slow ones; those for a GPU where there is one
	$(PYTEST) $(ARGS)

lint: $(READY)  ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## speed, by tests/benchmarks, beside the last time
	$(BIN)/plan2vec bench $(ARGS)

results: $(READY)  ## render the result tables of the README from the recorded runs
	$(BIN)/python -m tests.benchmarks.readme $(ARGS)

clean:  ## remove the environment, caches and build products; runs/ is kept
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is gone while pip works and comes back at the very end: an interrupted set-up is done again.
$(READY): pyproject.toml constraints.txt
	@rm -f $@
	@command -v $(PY) >/dev/null || { echo "There is no '$(PY)'. Name a Python >= 3.11: make PY=/path/to/python"; exit 1; }
	@$(PY) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"plan2vec needs Python >= 3.11, but $(PY) is {v.major}.{v.minor}. Name another: make PY=python3.12")'
	@echo "Setting up $(VENV), once. Most of the time goes into downloading torch; the README says how to get its small CPU build."
	$(PY) -m venv $(VENV)
	$(PIP) install -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@
