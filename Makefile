# The project's commands. `make test` and `make demo` set up all they need: git and Python 3.11 are enough.
PYTHON ?= python3.11
UV_VERSION := 0.13.9
BIN := .venv/bin
READY := .venv/.ready
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test torture check format bench schemas golden docs wheel lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not on PATH; install Python 3.11, or name another: make PYTHON=python3.12" >&2; exit 1; }
	@command -v git >/dev/null || { echo "make: git is not on PATH" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## play the main job on real data, in a scratch repository
	@examples/demo.sh

test: $(READY) ## run all tests
	$(BIN)/pytest --numprocesses=$(JOBS) --dist=worksteal --quiet

torture: $(READY) ## run the long tests of what must never be lost, and print their figures
	$(BIN)/pytest --numprocesses=$(JOBS) --dist=worksteal --quiet -m torture

check: $(READY) ## lint, types, layers, workflows
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --quiet --offline --persona=pedantic .github

format: $(READY) ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## measure the budgets, side by side with a peer
	$(BIN)/python benchmarks/run.py

schemas: $(READY) ## write schemas/ anew from the models
	$(BIN)/python -m mlspec.commands.schema schemas

golden: $(READY) ## write golden files anew: read the diff
	$(BIN)/pytest --numprocesses=$(JOBS) --quiet --update-golden

docs: $(READY) ## build the site of docs/ into build/docs
	$(BIN)/zensical build --clean --strict
	@echo "build/docs/index.html"

wheel: $(READY) ## build the wheel and the source distribution into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build

lock: ## resolve the dependencies anew
	$(BIN)/uv pip compile pyproject.toml --extra run --extra cloud --extra onnx --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --upgrade --quiet --output-file requirements.lock

clean: ## remove what the commands made
	rm -rf .venv .tools dist build .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
