# Everything a contributor or a server needs, with no environment to activate: `make` lists it.

PYTHON ?= python3
SOURCE ?= seeds
OUT ?= public
PORT ?= 8000
# Most tests wait for others half of the time: one more than there are processors.
JOBS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
MAKE_CORPUS ?= ../shared/corpus/make_corpus.py

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-strip-extras --custom-compile-command "make lock"

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUNTIME) ## Render the seed articles to public/ and say where to look
	@$(BIN)/feedhub render $(SOURCE) $(OUT)
	@echo "The feeds are in $(OUT)/: $(OUT)/index.html shows them all; begin with $(OUT)/all.rss, $(OUT)/all.atom and $(OUT)/all.json"

.PHONY: serve
serve: $(RUNTIME) ## Serve the seed articles on http://127.0.0.1:8000 until Ctrl-C
	@$(BIN)/feedhub serve $(SOURCE) --port $(PORT)

.PHONY: test
test: lint types ## Run lint, type checks, import contracts, and all tests with coverage
	$(BIN)/coverage erase
	$(BIN)/pytest --numprocesses=$(JOBS) --dist=loadfile --cov --cov-report=term
	$(BIN)/coverage report --fail-under=100 --format=total --omit="*/cli/*,*/check.py,*/__main__.py"

# The long forms of tests that `make test` runs in a short form, and those that have none.
LONG_TESTS := tests/torture tests/test_heal.py tests/test_render_faults.py tests/test_sync_faults.py tests/test_histories.py \
	tests/test_sources_files.py tests/test_patterns.py tests/test_any_article.py tests/test_leaks.py \
	tests/test_frontmatter.py tests/test_urls.py tests/test_markup.py tests/test_dates.py \
	tests/test_random_requests.py tests/test_preconditions.py tests/test_search_oracle.py
LONG := LONG_HISTORIES=1 CATALOG_DAMAGES=2000 FAULT_CYCLES=1000 EXCHANGES=50000 HYPOTHESIS_PROFILE=nightly \
	FUZZ_SECONDS=600 SOAK_SECONDS=3600

.PHONY: torture
torture: $(DEV) ## Run the long tests, for hours: kills, failing system calls, full disks, fuzzing, a soak
	$(LONG) $(BIN)/pytest --numprocesses=$(JOBS) --dist=loadfile $(TORTURE) $(LONG_TESTS)

.PHONY: mutation
mutation: $(DEV) ## Change the code in one place after the other and list what no test notices, for hours
	$(BIN)/python -m tests.mutation $(MODULES)

.PHONY: lint
lint: $(DEV) ## Check style, format and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

.PHONY: types
types: $(DEV) ## Check static types
	$(BIN)/mypy

.PHONY: format
format: $(DEV) ## Sort imports and format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: judges
judges: ## Install the feed readers from npm that some tests use
	npm --prefix tests/judges ci --no-audit --no-fund

# Those of FEW install in seconds; the others take minutes.
FEW := (pelican or mkdocs or eleventy or hexo) and not next

.PHONY: generators
generators: $(DEV) ## Install site generators, and read what they build; Hugo and Jekyll come from the system
	npm --prefix tests/generators ci --no-audit --no-fund
	$(PYTHON) -m venv tests/generators/.venv
	tests/generators/.venv/bin/pip install --quiet --disable-pip-version-check -r tests/generators/requirements.txt -r tests/generators/requirements-more.txt
	$(PYTHON) -m venv tests/generators/.venv/zensical # Pelican wants an older Pygments
	tests/generators/.venv/zensical/bin/pip install --quiet --disable-pip-version-check -r tests/generators/requirements-zensical.txt
	$(BIN)/pytest tests/generators

.PHONY: generators-few
generators-few: $(DEV) ## The same with Pelican, MkDocs Material, Eleventy and Hexo alone
	npm --prefix tests/generators ci --omit=optional --no-audit --no-fund
	$(PYTHON) -m venv tests/generators/.venv
	tests/generators/.venv/bin/pip install --quiet --disable-pip-version-check -r tests/generators/requirements.txt
	$(BIN)/pytest tests/generators -k "$(FEW)"

.PHONY: docs
docs: $(DEV) ## Regenerate the commands and options in docs/cli.md, the manual page, and the lists of robots in deploy/
	$(BIN)/python -m tests.manual
	$(BIN)/python -m tests.bot_rules

.PHONY: messages
messages: $(DEV) ## Put the words of the code into the catalogs, compile them, list what is not translated; NEW=sv adds one
	$(BIN)/python -m tests.catalogs $(NEW)

# RENDERS, SERVES and PROFILES are options of the three; --large renders 100,000 articles too. One
# that fails does not keep the others from running.
.PHONY: bench
bench: RENDERS ?= --runs 5
bench: SERVES ?= --runs 5
bench: $(RUNTIME) ## Compare with Hugo, nginx and others; results in bench/results/, see docs/performance.md
	failed=; \
	$(BIN)/python -m bench.render --make "$(MAKE_CORPUS)" $(RENDERS) || failed="$$failed render"; \
	$(BIN)/python -m bench.serve --make "$(MAKE_CORPUS)" $(SERVES) || failed="$$failed serve"; \
	$(BIN)/python -m bench.profile --make "$(MAKE_CORPUS)" $(PROFILES) || failed="$$failed profile"; \
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

.PHONY: lock
lock: $(DEV) ## Lock the newest versions that pyproject.toml allows
	$(UV_COMPILE) --upgrade --group build pyproject.toml -o requirements.lock
	$(UV_COMPILE) --upgrade --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

.PHONY: clean
clean: ## Remove everything that these commands made
	rm -rf $(VENV) $(OUT) build dist tests/judges/node_modules tests/generators/node_modules tests/generators/.venv .coverage .coverage.* htmlcov
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp stands for what is installed: a second run installs nothing. The project itself is linked,
# not copied, so that its own files need no second installation either.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "feedhub needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(RUNTIME): $(VENV)/.made requirements.lock pyproject.toml
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
