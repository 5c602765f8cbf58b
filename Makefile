# Two commands do everything: `make demo` scores real audio, `make test` checks the project.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
# One thread per process: on few cores, libraries that each start their own get in each other's way.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export NUMBA_NUM_THREADS ?= 1

.PHONY: demo test lint types contracts unit format clean

demo: .venv/base
	$(BIN)/auricle score examples

test: lint types contracts unit

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

contracts: .venv/dev
	$(BIN)/lint-imports

unit: .venv/dev
	$(BIN)/pytest -q -n 2

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Auricle needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/base: .venv/pip pyproject.toml constraints.txt
	test -e .venv/dev || $(PIP) --editable .
	touch $@

# torch first: packages that only ask for some torch would otherwise bring a larger build.
.venv/dev: .venv/pip pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) --editable '.[all,dev]'
	touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
