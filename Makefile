# The system's Python before the path's: distributions build theirs with profile-guided optimisation, version managers
# usually don't: 6 to 8 % of what `python -m bench e2e` takes in arrays, side by side.
PYTHON ?= $(shell for one in /usr/bin/python3 python3; do \
	$$one -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo $$one && exit; done; echo python3)
BIN := .venv/bin
NGINX := $(shell command -v nginx || ls /usr/sbin/nginx 2>/dev/null)
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all test-kill test-storm simulate cluster lint format bench browser proxy lock

help: ## What there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/installed ## Install everything, exactly as locked, into .venv

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: setup ## Start the whole system with a sample county, or another organisation: ORG=deploy/org/hospital.yaml
	$(BIN)/throughline run $(if $(ORG),--data data-$(basename $(notdir $(ORG))) --org $(ORG),--data data)

test: setup ## The tests, without the long runs
	$(BIN)/pytest -n 2 -m "not long and not browser and not cluster"

test-all: setup browser proxy ## Every test: the long runs, the browser and the cluster's servers too
	$(BIN)/pytest -n 2 -m "not long and not browser and not cluster"
	$(BIN)/pytest -n 2 -m "long and backtest"
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "(long and not backtest) or browser or cluster"

cluster: setup ## Start the four services on Kafka and a server in MongoDB's place, on loopback, and say where
	$(BIN)/python -m deploy.loopback

MODE ?= both
SEEDS ?= 0..999
simulate: setup ## Crashes and stalls by seed: SEEDS=1000..1999, or step by step SEED=1234; MODE=embedded or cluster
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation $(MODE) --seeds $(SEEDS) $(if $(SEED),--seed $(SEED))

test-kill: setup ## Of these, kill -9 in the midst of five thousand messages, fifty times
	$(BIN)/pytest tests/journeys/test_nothing_accepted_is_lost.py

test-storm: setup ## Ten thousand messages through two instances of each service, killed, stalled, their servers away
	THROUGHLINE_TEST_STORM=1 $(BIN)/pytest tests/cluster/test_nothing_is_lost.py

browser: ## See to it that there is a Chromium to test with
ifeq ($(CHROMIUM),)
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk
endif

proxy: ## See to it that there is an nginx to test with
ifeq ($(NGINX),)
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nginx-light
endif

lint: setup ## Formatting, lint, types, the rules of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Measure against references: make bench NAME=e2e
	$(BIN)/python -m bench $(NAME)

lock: ## Write requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --extra dev --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file requirements.lock pyproject.toml
