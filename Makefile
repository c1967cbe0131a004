# The two that matter: `make run` shows the product, `make test` runs the suite. `make help` lists the rest.

# The first Python that is new enough, else whatever python3 is, so that the message below can name it.
PYTHON ?= $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
PORT ?= 8000
VENV_PYTHON := .venv/bin/python
NEW_ENOUGH := import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " \
	+ sys.version.split()[0] + ": install one, or name it with PYTHON=")

# Both are read by the demo; they may stand before or after `make`.
export PORT FLEET

.PHONY: help .venv .venv-run python run demo-reset test lint format types layers migrations-check check bench lock

help: ## this list
	@sed -n 's/^\([a-z.-]*\):.*## /\1\t/p' Makefile | expand -t 20

python:
	@$(PYTHON) -c '$(NEW_ENOUGH)'

.venv: python ## build the environment with everything that checks need
	@$(PYTHON) config/bootstrap.py requirements-dev.lock

.venv-run: python
	@$(PYTHON) config/bootstrap.py requirements.lock

run: .venv-run ## show the product on 127.0.0.1:8000 (PORT=…, FLEET=folder)
	@$(VENV_PYTHON) -m config.demo run

demo-reset: .venv-run ## forget the demo's database, messages and clock
	@$(VENV_PYTHON) -m config.demo reset

test: .venv ## the test suite, on SQLite unless DATABASE_URL says otherwise
	$(VENV_PYTHON) -m pytest -n 2 --dist worksteal $(ARGS)

lint: .venv ## ruff: rules and format
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .

format: .venv ## mend what ruff can mend
	$(VENV_PYTHON) -m ruff check --fix .
	$(VENV_PYTHON) -m ruff format .

types: .venv ## mypy, strict, over application and tests
	$(VENV_PYTHON) -m mypy

layers: .venv ## import-linter: who may import whom
	.venv/bin/lint-imports --no-cache

migrations-check: .venv ## the migrations say what the models say
	$(VENV_PYTHON) manage.py makemigrations --check --dry-run --settings tests.settings

check: lint types layers migrations-check test ## all of the above

bench: .venv-run ## measure import and evaluation against the floor (ARGS=…)
	CLOCK_OFFSET_SECONDS=0 $(VENV_PYTHON) -m tests.bench $(ARGS)

lock: .venv ## renew the lock files within the ranges of pyproject.toml
	$(VENV_PYTHON) -m venv var/lock
	var/lock/bin/python -m pip install --quiet uv
	var/lock/bin/uv pip compile pyproject.toml $(LOCK_OPTIONS) --output-file requirements.lock
	var/lock/bin/uv pip compile pyproject.toml $(LOCK_OPTIONS) --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

# One lock for all Pythons and systems, with hashes, and without the address of any index.
LOCK_OPTIONS := --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
