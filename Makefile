# Two commands are all a newcomer needs: `make run` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input -q

.PHONY: run test check demo bench corpus politeness quality readers lock schemas clean

run: $(VENV)/.run ## poll feeds.yaml and serve on the address in config/service.yaml
	$(BIN)/aggregator run

demo: $(VENV)/.run ## made-up publishers on loopback, a living front page, no network
	$(BIN)/aggregator demo

test: $(VENV)/.dev ## the whole test suite; what opens a store also on PostgreSQL
	$(BIN)/pytest -n 2 --dist loadfile
	$(BIN)/pytest -n 2 --dist loadfile --engine postgres

check: $(VENV)/.dev ## style, types, floors of the house, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m aggregator.settings.schemas --check

quality: $(VENV)/.dev ## scores on labelled data, against tests/quality/floors.json
	$(BIN)/python -m tests.quality.gate

corpus: $(VENV)/.dev ## real and hostile documents, a real day end to end; says so without the data
	$(BIN)/python -m bench.corpus
	$(BIN)/python -m bench.day
	$(BIN)/python -m bench.validity

readers: $(VENV)/.dev ## do real readers show every entry once? They are installed for the run alone
	$(BIN)/python -m bench.readers

bench: $(VENV)/.dev ## time and memory, on this machine
	$(BIN)/python -m bench

politeness: $(VENV)/.dev ## two virtual days among publishers of every kind, who count what we do
	$(BIN)/python -m bench.politeness

lock: ## names, versions and hashes of every dependency (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 --group build -o requirements-build.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 pyproject.toml --extra postgres -c requirements.lock -o requirements-postgres.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

schemas: $(VENV)/.dev ## the JSON Schemas in config/, from the settings models
	$(BIN)/python -m aggregator.settings.schemas

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "aggregator needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements-build.lock requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements-build.lock
	$(PIP) install --require-hashes --no-build-isolation -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
