# One script for people and CI. Every target sets up what it needs; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test heard screenshots check bench bench-large wheel format lock clean system-postgresql chromium

ARGS :=
# embedded: the PostgreSQL of the wheel; system: Debian's PostgreSQL 15
DATABASE := $(or $(BILAG_TEST_DATABASE),embedded)
# Tests wait more than they work; each process has a throw-away PostgreSQL of its own.
WORKERS := 3

PYTHON := .venv/bin/python
# Warnings of the machine's own pip settings are not ours to show; errors are.
PIP := $(PYTHON) -m pip -qq --disable-pip-version-check
INSTALLED := .venv/.installed
SYSTEM_POSTGRES := /usr/lib/postgresql/15/bin/postgres
# what the tests of the pages look with; a browser elsewhere is named by BILAG_TEST_CHROMIUM
CHROMIUM := $(or $(BILAG_TEST_CHROMIUM),/usr/bin/chromium)
CLUSTER_SETTINGS := /etc/postgresql-common/createcluster.conf
NEW_ENOUGH := import sys; raise SystemExit(sys.version_info < (3, 11))

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Compiled once: processes start in two thirds of the time where Python may not write what it compiles.
setup: $(INSTALLED) ## make .venv and install the locked packages and this project
	@$(PYTHON) build_assets.py
	@$(PYTHON) -m compileall -q src

# Again only when the lock or the project file has changed; the stamp is written last.
$(INSTALLED): requirements.lock pyproject.toml package-lock.json
	@if ! $(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null; then \
		for candidate in python3.11 python3.12 python3.13 python3 none; do \
			if $$candidate -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then break; fi; \
		done; \
		if [ "$$candidate" = none ]; then \
			echo 'bilag needs Python 3.11 or newer: no python3.11 and no such python3 found' >&2; \
			exit 1; \
		fi; \
		rm -rf .venv; \
		if ! $$candidate -m venv .venv; then \
			rm -rf .venv; \
			echo "$$candidate cannot make .venv: install its venv module (Debian: python3-venv)" >&2; \
			exit 1; \
		fi; \
	fi
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## run the demo; ARGS=--once runs it once and ends
	@.venv/bin/bilag demo $(ARGS)

test: setup chromium ## run the tests; ARGS=path, DATABASE=system for Debian's PostgreSQL 15
	@BILAG_TEST_DATABASE=$(DATABASE) $(PYTHON) -m pytest --numprocesses $(WORKERS) $(ARGS)

ifeq ($(DATABASE),system)
test: system-postgresql
endif

heard: setup chromium ## write anew what is heard on the pages by keyboard (tests/portal/heard)
	@BILAG_HEARD=write $(PYTHON) -m pytest tests/portal/test_heard.py tests/portal/test_heard_repair.py $(ARGS)

screenshots: setup chromium ## photograph each page into screenshots/: light, dark, 320 px
	@$(PYTHON) -m tests.portal.screenshots $(ARGS)

check: setup ## check style, types and imports
	@failed=0; \
	.venv/bin/ruff check || failed=1; \
	.venv/bin/ruff format --check || failed=1; \
	.venv/bin/mypy || failed=1; \
	.venv/bin/lint-imports || failed=1; \
	exit $$failed

bench: setup ## measure; ARGS go to `python -m bench`
	@$(PYTHON) -m bench $(ARGS)

# What is installed is what a registry would hand out; npm is needed to build, not to run.
wheel: setup ## build dist/*.whl, install it into an empty environment, run the demo in an empty folder
	@rm -rf dist && $(PYTHON) -m hatchling build --target wheel
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT && $(PYTHON) -m venv "$$place/venv" && \
		"$$place/venv/bin/python" -m pip -qq --disable-pip-version-check install dist/*.whl && \
		cd "$$place" && env -u PYTHONPATH venv/bin/bilag demo --once

# 10,000,000 exports need about 40 GB of disk; they are deleted at the end.
EXPORTS := 10000000
bench-large: setup ## the pages that watch beside EXPORTS=10000000 exports and twice as many log rows
	@$(PYTHON) -m bench --only history --history $(EXPORTS)

format: setup ## put the code into the agreed form
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

lock: setup ## choose the newest allowed packages and write requirements.lock
	@$(PYTHON) -m venv .venv/lock
	@.venv/lock/bin/python -m pip -qq --disable-pip-version-check install uv
	@.venv/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --upgrade --quiet \
		--output-file requirements.lock $(ARGS)

clean: ## remove what tools left behind; keeps .venv and every database
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian would make and start a cluster of its own; a file that is there already is the owner's will.
system-postgresql:
	@if [ ! -x $(SYSTEM_POSTGRES) ]; then \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo 'DATABASE=system needs $(SYSTEM_POSTGRES):' >&2; \
			echo 'on Debian 12 run `apt-get install postgresql-15` as root' >&2; \
			exit 1; \
		fi; \
		mkdir -p $(dir $(CLUSTER_SETTINGS)); \
		[ -e $(CLUSTER_SETTINGS) ] || echo 'create_main_cluster = false' >$(CLUSTER_SETTINGS); \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
			--no-install-recommends -o Dpkg::Options::=--force-confold postgresql-15 >/dev/null; \
	fi

chromium:
	@if [ ! -x $(CHROMIUM) ]; then \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo 'the tests of the pages need the browser $(CHROMIUM):' >&2; \
			echo 'on Debian run `apt-get install chromium` as root, or name another in BILAG_TEST_CHROMIUM' >&2; \
			exit 1; \
		fi; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
			--no-install-recommends chromium >/dev/null; \
	fi
