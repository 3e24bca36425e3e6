# Everything runs in .venv, made on first use with pinned versions; see README.md.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.run
DEV := .venv/.dev

.PHONY: compare registrations test test-slow test-lowest test-wheel axe pictures calibrate bench lint lab docs lock clean

compare: $(RUN) ## all thesis signals against buy-and-hold, on the bundled data
	@$(BIN)/assay compare

registrations: $(RUN) ## put every claim of the thesis on record anew, dated now: only before a release
	@rm -f data/registrations/*.toml
	@$(BIN)/assay register --all --out data/registrations

test: $(DEV) ## the quick tests
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal

axe: .axe/node_modules/axe-core/axe.min.js ## axe-core (npm), which the quick tests let look at every page
.axe/node_modules/axe-core/axe.min.js:
	@npm install --prefix .axe --no-save --no-audit --no-fund --loglevel=error axe-core@4.14.1

pictures: $(DEV) ## the pictures of README and docs, from the bundled data
	@$(BIN)/python -m tests.tools.pictures

test-slow: $(DEV) ## the long checks: simulations, kills, full-length data
	@$(BIN)/python -m pytest -m slow

LOWEST := tests/cli tests/datasets tests/diagnostics tests/engine tests/signals tests/sources tests/sweep
test-lowest: ## the quick tests of most rooms on the oldest versions that pyproject.toml allows (needs uv)
	@test -x .lowest-venv/bin/python || uv venv -q --python 3.11 .lowest-venv
	@uv pip compile -q --python-version 3.11 --resolution lowest-direct --extra live --extra test pyproject.toml -o .lowest-venv/lowest.txt
	@uv pip sync -q --python .lowest-venv/bin/python .lowest-venv/lowest.txt
	@.lowest-venv/bin/python -m pytest -q -m "not slow" -p no:cacheprovider $(LOWEST)

test-wheel: $(DEV) ## the built wheel, alone in a new environment and an empty folder
	@$(BIN)/python -m pytest -q -m slow tests/packaging

calibrate: $(DEV) ## how often the judge is wrong: hours of one core, resumed from .calibration/
	@$(BIN)/python -m tests.calibration --keep .calibration --pictures docs $(ARGS)

bench: .bench-venv/.ready ## side-by-side timings, as ratios; ARGS="--out docs/benchmarks.md" keeps them
	@.bench-venv/bin/python -m tests.bench $(ARGS)

lint: $(DEV) ## ruff, mypy and the import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

lab: $(DEV) ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab notebooks

docs: $(DEV) ## the documentation, into site/
	@$(BIN)/mkdocs build --strict

COMPILE := uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header pyproject.toml
lock: ## recompile both lock files (needs uv); the smaller agrees with the larger
	$(COMPILE) --extra live --extra test --extra lint --extra lab --extra docs -o requirements-dev.lock
	$(COMPILE) --extra live -c requirements-dev.lock -o requirements.lock

clean: ## remove .venv and caches
	rm -rf .venv .bench-venv .lowest-venv .axe .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(RUN): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "assay needs Python 3.11 or newer; name one with make PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing pinned packages into .venv (once, a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

.bench-venv/.ready: requirements-dev.lock tests/bench/requirements.txt
	@test -x .bench-venv/bin/python || $(PYTHON) -m venv .bench-venv
	@echo "installing the libraries to compare with into .bench-venv (once, a minute or two) ..."
	@.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check $(addprefix -r ,$^)
	@touch $@
