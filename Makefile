# Two commands do everything on a machine with Python >= 3.11 and make:
#   make serve   the dashboard on the shipped demo (PORT=5006)
#   make test    lint, types, import contracts and tests
# and make data makes all shipped simulator data and emulators again, in some hours; make figures those of docs/simulator.md;
# make screenshots those of docs/gallery.md.
PYTHON ?= python3
PORT ?= 5006
BIN := .venv/bin
PARALLEL := -n 2 --dist loadfile

.PHONY: install serve test test-all lint bench data figures screenshots clean
.DELETE_ON_ERROR:

install: .venv/installed

.venv/installed: pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "expected Python >= 3.11, found $$($(PYTHON) --version); name another with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,mesh,fetch,export]'
	@touch $@

serve: install
	@$(BIN)/diffmp serve --port $(PORT)

test: install lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL)

test-all: install lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not gpu' $(PARALLEL)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	@for part in simulator train sample live; do OMP_NUM_THREADS=1 $(BIN)/python benchmarks/$$part.py || exit 1; done

data: install
	$(BIN)/python data/make_data.py

figures: install
	$(BIN)/python -m docs.measured $(RUNS)

screenshots: install
	OMP_NUM_THREADS=1 $(BIN)/python -m docs.screenshots

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
