# Every way of building, running and proving Ledgerstream. A bare `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/pytest
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
KEEP ?=
ROUNDS ?= 100
SEED ?=
LEDGER ?= sqlite
JSON ?=
SATURATE ?=

.PHONY: help install tools check format test test-all chaos bench demo lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name it with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing the locked packages into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@$(BIN)/python -m pip check --disable-pip-version-check >/dev/null || { $(BIN)/python -m pip check; exit 1; }
	@touch $@

install: $(STAMP) ## build .venv with the locked packages

tools: $(STAMP)
	@deploy/ensure-tools $(TOOLS)

# The contracts and the pure core decide what is booked: their unit tests alone take every line and every branch.
check: COVERED := --cov=schemas --cov=streams/core --cov-report=term-missing:skip-covered --cov-fail-under=100
check: $(STAMP) ## format, lint, types, unit and architecture tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m schemas.generate --check
	$(PYTEST) -q -n 2 -m "not all and not bench" $(COVERED) tests/unit
	$(PYTEST) -q tests/architecture

format: $(STAMP) ## format the code and mend what the linter can
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

test: TOOLS := mvn kcat curl openssl postgres
test: $(STAMP) tools ## everything that must hold before a commit is pushed; prints its time
	@start=$$SECONDS; \
	$(MAKE) --no-print-directory check; \
	$(PYTEST) -q -n 3 --dist loadgroup --maxschedchunk 2 -m "not all and not bench" tests --ignore=tests/unit --ignore=tests/architecture; \
	echo "make test took $$((SECONDS - start)) s"

test-all: TOOLS := mvn kcat curl openssl postgres mariadb engine compose
test-all: $(STAMP) tools ## the same and the longer rounds
	$(MAKE) --no-print-directory test
	$(PYTEST) -q -m "all" --timeout=1800 tests

chaos: TOOLS := mvn $(if $(filter postgresql,$(LEDGER)),postgres)
chaos: $(STAMP) tools ## events under faults, then the books are compared: ROUNDS=100 SEED=n LEDGER=postgresql JSON=1
	@$(BIN)/python -m tests.chaos --rounds $(ROUNDS) --ledger $(LEDGER) $(addprefix --seed ,$(SEED)) $(if $(JSON),--json) $(if $(KEEP),--keep) $(if $(SATURATE),--saturate)

bench: TOOLS := kafka postgres
bench: $(STAMP) tools ## measure speed
	$(BIN)/python -m tests.bench

demo: TOOLS := kafka
demo: $(STAMP) tools ## a day of a shop, end to end, into a sandbox of Xero (KEEP=1 leaves it running)
	@$(BIN)/ledgerstream demo $(if $(KEEP),--keep)

lock: $(STAMP) ## resolve the packages anew, for this checkout and for the image
	$(LOCK) --upgrade --all-extras -o requirements.lock pyproject.toml
	$(LOCK) --constraint requirements.lock --extra mysql -o deploy/requirements.lock pyproject.toml

clean: ## remove what was built here, local Kafka and ledgers too
	rm -rf $(VENV) .ledgerstream .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
