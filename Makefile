# Every target sets itself up: a clean clone needs Python 3.11+, make and a package index, nothing else.
# PYTHON names the interpreter that makes .venv; ARGS goes to the command that a target runs.
PYTHON ?= python3
ARGS ?=
FAULTS ?= 300
FENCE ?= on
ROUNDS ?=
ROWS ?=
EXAMPLES ?= 10000
COVERING := $(addprefix tests/,domain engine destinations executors secrets settings store api cli ui \
  cluster/test_cluster_worker.py) --ignore tests/api/fuzz
BIN := .venv/bin

# What one of the many processes has compiled the others read, also where the environment would have it thrown away.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help dev demo test test-ui check fix bench bench-peers storm failpoints restart model coverage mutation

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

dev: .venv/.made ## Set up .venv with dayfill, its tools and the demo's data; nothing to do when up to date

demo: .venv/.demo ## Run a server, two transfers and their backfills; ARGS="--once" ends when they end
	$(BIN)/dayfill demo $(ARGS)

test: dev ## Run all tests; ARGS="tests/domain" runs some
	$(BIN)/pytest $(ARGS)

test-ui: dev ## Look at the pages in a real Chromium, which apt installs where there is none; writes the pictures of docs/img
	@.ci/browser
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	$(BIN)/pytest $(or $(ARGS),tests/browser)

check: dev ## Format, lint, types, floors and house rules, without changing a file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy & types=$$!; $(BIN)/pytest tests/house; rules=$$?; wait $$types && exit $$rules

fix: dev ## Format and repair what can be repaired by a tool
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev ## Measure on the spot and print the ratios
	$(BIN)/python -m bench $(ARGS)

bench-peers: dev ## The same work by dayfill and by dlt, which gets a venv of its own; ARGS="dlt dagster" for Dagster too
	$(BIN)/python -m bench.peers $(ARGS)

model: dev ## Tell EXAMPLES=10000 stories of the stateful model, 50 steps each; a failure is shrunk to a short story
	$(BIN)/pytest tests/model -k story --rounds $(EXAMPLES) -o timeout=0 $(ARGS)

storm: dev ## Kill, stop and pause servers FAULTS=300 times, then compare everything; FENCE=off must find stale days
	$(BIN)/python tests/storm/storm.py --faults $(FAULTS) --fence $(FENCE) $(ARGS)

failpoints: dev ## Let a server fail at every step of its work, in every way, ROUNDS=1 times, and recover
	$(BIN)/python tests/storm/failpoints.py --rounds $(or $(ROUNDS),1) $(ARGS)

restart: dev ## Take the time from a kill -9 to serving and reading again, with ROWS=1000000 runs in the state
	$(BIN)/python tests/storm/restart.py --rows $(or $(ROWS),1000000) $(ARGS)

coverage: dev ## Run the tests of domain, engine and load path; fail if one of their branches is not taken
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 $(COVERING)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

mutation: dev ## Change domain and engine in thousands of small ways, one at a time: a test must notice 85 % of them
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutation]'
	$(BIN)/python tests/mutation/mutate.py $(ARGS)

# What the demo needs is there in half the time; the tools come with the first target that uses one.
.venv/.demo: pyproject.toml
	@.ci/venv "$(PYTHON)" demo

.venv/.made: pyproject.toml
	@.ci/venv "$(PYTHON)" dev
