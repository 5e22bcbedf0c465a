# Everything a newcomer types. `make` alone lists it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

MINUTES ?= 60
PROOFS := $(CURDIR)/$(VENV)/proofs
# Programs that tests start by the dozen would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=
PROVING := tests/faults tests/simulation tests/e2e/test_ledger.py tests/e2e/test_database_away.py \
	tests/engine/test_spooling.py

.DEFAULT_GOAL := help
.PHONY: help run test check lint laws format prove bench pictures lock clean system

help: ## list these targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST)

run: $(STAMP) ## set up everything and start Dogwatch on SQLite at http://127.0.0.1:8000
	$(BIN)/dogwatch up

test: system $(STAMP) ## set up everything and run all tests on SQLite and PostgreSQL; the laws are lint's
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --ignore tests/laws

check: lint test ## everything: format, lint, types, import contracts, laws, tests

lint: $(STAMP) ## all of check but the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -s tests/laws

laws: $(STAMP) ## the laws of the house alone, with their table of sizes
	$(BIN)/pytest -s tests/laws

format: $(STAMP) ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

prove: system $(STAMP) ## show under faults what is promised; all of it takes MINUTES=60, or fewer
	rm -f $(PROOFS)
	DOGWATCH_PROVE=$(MINUTES) DOGWATCH_PROOFS=$(PROOFS) $(BIN)/pytest --timeout 0 $(PROVING); status=$$?; \
		$(BIN)/python tools/proofs.py $(PROOFS) && exit $$status

bench: $(STAMP) ## measure on this machine; LONG=1 takes more rounds, and a million watches
	$(BIN)/python -m bench $(if $(LONG),--long)

pictures: system $(STAMP) ## take the pictures of README anew, by the tests of the pages
	$(BIN)/pytest -q -p no:xdist tests/browser
	mkdir -p docs/pictures
	cp artifacts/pages/11-now.png docs/pictures/now.png
	cp artifacts/pages/10-item.png docs/pictures/item.png
	cp artifacts/pages/7-incident.png docs/pictures/incident.png
	cp artifacts/pages/8-log.png docs/pictures/log.png

COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(VENV)-lock/bin/pip-compile --quiet --generate-hashes \
	--strip-extras --allow-unsafe --no-emit-options --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links

lock: ## renew both locks, of all and of what runs, from pyproject.toml (use the oldest Python supported)
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet pip-tools
	$(COMPILE) --all-extras --build-deps-for editable --output-file=requirements.lock pyproject.toml
	$(COMPILE) --extra apprise --extra postgres --build-deps-for wheel --no-annotate \
		--constraint requirements.lock --output-file=requirements-run.lock pyproject.toml
	rm -rf $(VENV)-lock

clean: ## remove what these targets made; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	@tools/setup.sh tests

$(STAMP): pyproject.toml requirements.lock
	@PYTHON=$(PYTHON) tools/setup.sh python
	@echo "installing Dogwatch into $(VENV), which takes about a minute"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
