# Everything starts here. `make` alone shows what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
export UV_PYTHON_DOWNLOADS ?= never
LEDGERDESK_DATA ?= .ledgerdesk
LEDGERDESK_PORT ?= 8080
export LEDGERDESK_DATA LEDGERDESK_PORT
PYTEST = .venv/bin/python -m pytest

.PHONY: help install up demo check format test unit faults soak browser bench contracts messages clean

help: ## show this
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp makes a second `make` cost nothing. uv comes by pip, into the same environment; it installs what the lock says.
# The pages' style and scripts come from the npm registry, by npm: the machine's own, else that of a wheel.
PAGES = services/gateway/pages
.venv/.installed: uv.lock pyproject.toml $(PAGES)/npm/package-lock.json $(PAGES)/vendor.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@test -x .venv/bin/uv || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
	@.venv/bin/uv sync --locked --inexact --quiet --compile-bytecode
	@{ command -v node && command -v npm; } >/dev/null || .venv/bin/uv sync --locked --inexact --quiet --group assets
	@.venv/bin/python $(PAGES)/vendor.py
	@.venv/bin/python -m compileall -q services shared ledgerdesk
	@touch $@

install: .venv/.installed ## install everything into .venv

up: .venv/.installed ## run the whole stack here, data kept in .ledgerdesk (LEDGERDESK_DATA, LEDGERDESK_PORT)
	@exec .venv/bin/ledgerdesk up

demo: .venv/.installed ## run the stack, play the story, load a simulated quarter, stay up
	@exec .venv/bin/ledgerdesk demo

check: .venv/.installed ## lint, types, import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/.installed ## format the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Files go to the workers in this order, those that take longest first: by itself xdist begins with the files of most tests, which
# are the quickest, and one worker ends with a long file while the others have nothing left.
test: .venv/.installed ## unit, contract, integration and end-to-end tests (real PostgreSQL and broker; about ten minutes)
	$(PYTEST) tests/e2e tests/integration tests/contract tests/unit -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

unit: .venv/.installed ## only the tests that open no socket
	$(PYTEST) tests/unit tests/contract -q

faults: .venv/.installed ## break everything under load, on Apache Kafka, and count (about 15 minutes; writes faults.json)
	$(PYTEST) tests/faults -q

soak: .venv/.installed ## random work, random faults: make soak MINUTES=10 [SEED=7]
	LEDGERDESK_SOAK_MINUTES=$(or $(MINUTES),10) LEDGERDESK_SOAK_SEED=$(SEED) $(PYTEST) tests/faults/test_soak.py -q -s

browser: .venv/.installed ## the pages in a real browser (needs chromium)
	@.venv/bin/uv sync --locked --inexact --quiet --group browser
	@.venv/bin/python $(PAGES)/vendor.py --dev
	$(PYTEST) tests/browser -q

bench: .venv/.installed ## our figures beside their ceilings (about fifteen minutes; writes bench.json)
	@.venv/bin/uv sync --locked --inexact --quiet --group browser
	.venv/bin/python -m bench $(BENCH)

contracts: .venv/.installed ## write the committed OpenAPI document anew, after a change that is meant
	.venv/bin/python -m tests.contract.regenerate

messages: .venv/.installed ## bring the pages' catalogues up to date with what the pages say (docs/recipes.md)
	.venv/bin/python -m tests.contract.messages $(LANGUAGE_TAG)

clean: ## remove what was installed and made, except the data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache output dist build
