# Every target is a short line that calls a tool which anyone may call by hand.

PYTHON ?= python3
PORT ?= 8000
RUN := .venv/bin
SOURCES := $(wildcard src tests tools bench examples migrations)

.DEFAULT_GOAL := help
.PHONY: help install up test check fix event-schemas migrate migration bench soak mutants attack
MAKEFLAGS += --no-print-directory

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## install what poetry.lock says into .venv (every other target does it first)
	@$(PYTHON) -m tools.install

up: install ## serve on PORT (8000) with reload, on a PostgreSQL of its own; Ctrl-C stops it all
	@$(RUN)/python -m tools.up --port $(PORT)

test: check ## check, then run every other test on a PostgreSQL of its own
	@$(RUN)/pytest -q -n auto --ignore tests/unit --ignore tests/architecture tests

check: install ## lint, types, import rules, unit and architecture tests; no database, no network
	@$(RUN)/ruff check -q $(SOURCES)
	@$(RUN)/ruff format -q --check $(SOURCES)
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-cache
	@$(RUN)/deptry src
	@$(RUN)/pytest -q -n auto tests/unit tests/architecture

fix: install ## let ruff correct and format what it can
	@$(RUN)/ruff check -q --fix-only $(SOURCES)
	@$(RUN)/ruff format $(SOURCES)
	@$(RUN)/ruff check $(SOURCES)

event-schemas: install ## commit-ready schemas and first samples of events that are new or were added to
	@$(RUN)/python -m tools.event_schemas

migrate: install ## bring the development database to the newest schema
	@$(RUN)/python -m tools.database $(RUN)/app migrate

migration: install ## write a migration: make migration module=users name="add phone"
	@$(RUN)/python -m tools.migration "$(module)" "$(name)"
	@$(RUN)/ruff check -q --fix-only migrations
	@$(RUN)/ruff format -q migrations

bench: install ## measure the product and its ceilings; the result goes into docs/performance.md
	@$(RUN)/python -m bench.run --write docs/performance.md

soak: install ## kill processes at random for a minute: nothing lost, nothing doubled; SOAK_SEED=n
	@SOAK_SECONDS=$${SOAK_SECONDS:-60} $(RUN)/pytest -q -s tests/crash/test_soak.py

mutants: install ## break each mechanism of delivery in a copy; some test has to notice
	@$(RUN)/python -m tests.mutants $(only)

attack: install ## every attack at full size, one after the other, with what was measured; takes long
	@ATTACK_SIZE=full SCHEMATHESIS_EXAMPLES=$${SCHEMATHESIS_EXAMPLES:-100} \
		$(RUN)/pytest -q tests/attack tests/e2e/socket/test_schemathesis.py
