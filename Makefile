# Every target makes or completes the environment it needs; stamps say what is installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# nothing is compiled to bytecode ahead: most of what comes with torch is never imported
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt
PROJECT := pyproject.toml constraints.txt

.PHONY: demo install test test-slow bench bench-full lint docs clean

demo: $(VENV)/.core
	$(BIN)/grouping form --semantics lm --agg min -l 10 -k 5

install: $(VENV)/.all

test: $(VENV)/.all
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-slow: $(VENV)/.all
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.all
	$(BIN)/python -m benchmarks.speed

bench-full: $(VENV)/.all
	$(BIN)/python -m benchmarks.speed --full

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.all
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site build dist

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	touch $@

# the core alone, unless all is installed already, and as new as the project's files
$(VENV)/.core: $(PROJECT) | $(VENV)/.made
	@if [ ! -e $(VENV)/.all ] || [ pyproject.toml -nt $(VENV)/.all ] \
	  || [ constraints.txt -nt $(VENV)/.all ]; then \
	  PIP_CONSTRAINT=constraints.txt $(PIP) --editable .; fi
	@touch $@

$(VENV)/.all: $(PROJECT) | $(VENV)/.made
	PIP_CONSTRAINT=constraints.txt $(PIP) --editable '.[learners,plot,polars,clusters,test,lint,docs]'
	touch $@ $(VENV)/.core
