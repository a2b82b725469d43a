# Everything below works from a clean clone with Python 3.11 or later; nothing else is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONCE ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check audit notebooks snippet serve clean

demo: $(VENV)/demo.stamp  ## Load real sample purchases, train, serve, show a purchase at work
	$(BIN)/regulars demo $(if $(ONCE),--once)

test: $(VENV)/dev.stamp  ## Run all tests, on real SQLite, PostgreSQL and Valkey
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/dev.stamp  ## Lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: $(VENV)/bin/python  ## Look the pinned libraries up among known vulnerabilities; needs a network
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

notebooks: $(VENV)/dev.stamp  ## Run the notebooks anew on the demo data and keep what they show
	$(BIN)/python -m tests.notebooks

snippet: $(VENV)/dev.stamp  ## Shorten the browser snippet anew from its source; needs npx
	$(BIN)/python -m tests.snippet

serve: $(VENV)/demo.stamp  ## Serve what is under REGULARS_HOME
	$(BIN)/regulars serve

clean:  ## Remove what was built; the data under .regulars stay
	rm -rf $(VENV) build dist *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Regulars needs Python 3.11 or later; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[demo,postgres]'
	@touch $@

$(VENV)/dev.stamp: setup.cfg pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/demo.stamp
