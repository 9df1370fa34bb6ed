# The one front door. `make help` lists the targets; CI runs `make check test`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
SOURCES := orchestrator workers sagas deploy benchmarks tests
# Only this project's .venv is ever changed, and no tool may fetch an interpreter.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_CONFIG := 1
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PYTHONUNBUFFERED := 1
# Compiled modules are kept, whatever the shell says: a worker that compiles all anew starts three seconds later.
export PYTHONDONTWRITEBYTECODE :=
# Another lock or another project file means another stamp, and so an installation anew.
STAMP := $(VENV)/.installed-$(shell cat requirements.lock pyproject.toml | sha256sum | cut -c1-16)

.PHONY: help venv demo demo-stay test test-unit coverage exhaustive exhaustive-write mutants test-servers test-browser images check format up postgres down clean lock docs site site-serve test-docs bench bench-all bench-ledger bench-events test-simulation faults backlog soak bench-console bench-traces

help: ## list these targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

venv: $(STAMP) ## install everything into .venv (at once if nothing changed)

demo: venv ## start the servers and run 200 orders through the saga fulfil-order, four of which need a person
	$(BIN)/saga demo --orders 200 --stuck 2 --parked 2

demo-stay: venv ## the same, and keep everything running until Ctrl-C: look at it in a browser
	$(BIN)/saga demo --orders 200 --stuck 2 --parked 2 --stay

test: test-unit test-simulation test-servers test-docs test-browser ## every test

test-unit: venv ## the tests that need no servers
	$(BIN)/python -m pytest tests -m "not servers and not simulation and not docs" -n 2
	$(MAKE) coverage

test-simulation: venv ## a million transitions on simulated servers (three minutes)
	$(BIN)/python -m pytest tests/simulation -m simulation

coverage: venv ## the engine's unit tests alone take every branch of it
	$(BIN)/python -m pytest tests/unit/engine -q --cov=orchestrator.engine --cov-branch --cov-report=term-missing --cov-fail-under=100

exhaustive: venv ## every schedule of every plan of at most three steps with at most two faults
	$(BIN)/python -m tests.simulation.exhaust

mutants: venv ## one small fault after the other in the engine: the tests must find nine of ten
	$(BIN)/python -m tests.mutants.run

exhaustive-write: venv ## store what `make exhaustive` counts
	$(BIN)/python -m tests.simulation.exhaust --write

test-servers: venv ## start the servers and run the tests that need them
	$(BIN)/python -m deploy.local up
	$(BIN)/python -m pytest tests -m "servers and not faults and not browser and not docs" -n 2 --dist loadfile

test-browser: venv ## the console in a real browser: Debian's chromium, installed if it is not there
	$(BIN)/python -m deploy.local up
	$(BIN)/python -m pytest tests/browser

test-docs: venv ## the pages of docs/: every block of them, their links, and the site
	$(BIN)/python -m deploy.local up
	$(BIN)/python -m pytest tests/docs -n 2

images: venv ## make the README's pictures of the console anew
	$(BIN)/python -m deploy.local up
	SAGA_IMAGES=$(CURDIR)/docs/images $(BIN)/python -m pytest tests/browser/test_images.py

# Rule 14 of the express lane, which lies with the tests of participants.
TWO_CONSUMERS := tests/integration/test_participants.py::test_two_of_one_participant_with_command_and_undo_at_once_leave_no_effect
faults: venv ## break everything on real servers, and print what each fault cost (about 15 minutes)
	$(BIN)/python -m deploy.local up
	$(BIN)/python -m deploy.local postgres
	$(BIN)/python -m pytest tests/faults $(TWO_CONSUMERS) -s

BACKLOG := 100000
backlog: venv ## BACKLOG=100000 sagas that wait when their worker comes back (an hour)
	$(BIN)/python -m deploy.local up
	SAGA_TEST_BACKLOG=$(BACKLOG) $(BIN)/python -m pytest tests/faults/test_messages.py -k test_28 -s

MINUTES := 30
soak: venv ## orders for MINUTES=30, everything killed in turn, the books checked every minute
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

bench: venv ## measure sagas beside hand-written ones (about 20 minutes)
	$(BIN)/python -m benchmarks

bench-ledger: venv ## measure the ledger on SQLite and PostgreSQL (about 20 minutes)
	$(BIN)/python -m benchmarks.ledger

bench-events: venv ## measure how many messages a second the event store takes (a minute)
	$(BIN)/python -m benchmarks.events

bench-console: venv ## measure the console's pages with 100,000 executions (about six minutes)
	$(BIN)/python -m benchmarks.console

bench-traces: venv ## measure what traces cost (about five minutes)
	$(BIN)/python -m benchmarks.traces

bench-all: bench bench-traces ## and further: relay, recovery, memory, number of steps, number of processes
	$(BIN)/python -m benchmarks.further

check: venv ## format, lint, two type checkers, import rules, layout limits
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_shape.py

docs: venv ## make the documents that are made from code
	$(BIN)/python -m orchestrator.settings.table
	$(BIN)/python -m orchestrator.service.metrics_table
	$(BIN)/python -m orchestrator.adapters.telemetry.log_table
	$(BIN)/python -m orchestrator.console.api.description
	$(BIN)/python -m workers.reference.commands
	$(BIN)/python -m workers.reference.errors
	$(BIN)/python -m workers.reference.api

site: venv ## build the documents as a site, into .local/site
	$(BIN)/mkdocs build --quiet

site-serve: venv ## show them while you write, at http://127.0.0.1:8000
	$(BIN)/mkdocs serve

format: venv ## format the code and mend what the linter can
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

up: venv ## start Temporal and RabbitMQ, or find them running
	$(BIN)/python -m deploy.local up

postgres: venv ## start a private PostgreSQL too, or find it running
	$(BIN)/python -m deploy.local postgres

down: ## stop the servers that this checkout started
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.local down; else echo "nothing is installed here, so nothing runs"; fi

clean: down ## stop the servers; remove .venv, .local and caches
	@sed -nE "s,^SAGA_POSTGRES_FOLDER=(/var/tmp/saga-[0-9a-f]+)$$,\1,p" .local/environment 2>/dev/null | xargs --no-run-if-empty rm -rf
	rm -rf $(VENV) .local dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

lock: venv ## resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-emit-index-url --no-emit-find-links --upgrade \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	@$(MAKE) venv

# uv is the one package that pip installs: the version and the hashes are those of the lock.
$(STAMP): requirements.lock pyproject.toml
	@for name in python3.11 python3 python; do \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python=$$name && break; \
	done; \
	if [ -z "$${python:-}" ]; then \
	  echo "Python 3.11 or newer is needed: on Debian, apt-get install python3 python3-venv" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python has no venv module: on Debian, apt-get install python3-venv" >&2; exit 1; \
	fi; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV); \
	fi
	@echo "installing what requirements.lock names"
	@rm -f $(VENV)/.installed-*
	@awk '/^uv==/ {found=1} found; found && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.wanted
	@cmp -s $(VENV)/uv.wanted $(VENV)/uv.installed || { \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.wanted; \
	  mv $(VENV)/uv.wanted $(VENV)/uv.installed; \
	}
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
