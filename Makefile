# Emanet's verbs; `make` alone lists them. Each sets up first what it needs.
EMANET_PYTHON ?= 3.13
EMANET_ARCHITECTURE ?= arm64
export EMANET_PYTHON EMANET_ARCHITECTURE
HOST := $(subst aarch64,arm64,$(shell uname -m))
UNIT_PYTHON ?= 3.11
# Two workers, a file to each: every one of them has its own database and its own ports.
TWO := --numprocesses=2 --dist=loadfile --no-loadscope-reorder
WHO ?= buyer
PY := .venv/bin/python
SAM := SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam
UV := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command 'make lock' $(UPGRADE)

.PHONY: help setup run story clock token test races simulate mutate test-second-engine bench test-browser test-unit check lint \
	types validate build test-build format docs lock clean distclean
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-19s %s\n", $$1, $$2}' Makefile

# ── Use it ───────────────────────────────────────────────────────────────────
setup: .venv/ready .venv-ministack/ready ## make the environments that run and test need
run: setup ## start everything here (PAYMENT_MODE=hosted PAYNET=test PORT=8700 DYNAMODB_ENDPOINT=http://...)
	@$(PY) -m local.run
story: setup ## play a chapter against the running system (CHAPTER=dispute, or all)
	@$(PY) -m local.story "$$CHAPTER"
clock: setup ## move the running system's clock (ADD=3d)
	@$(PY) -m local.clock "$$ADD"
token: setup ## print a token (WHO=buyer|seller|backend|operations|carrier)
	@$(PY) -m local.tokens $(WHO)

# ── Change it ────────────────────────────────────────────────────────────────
test test-second-engine: ROUNDS ?= 5
test: setup ## all tests that need Python only (ROUNDS=5)
	$(PY) -m pytest $(TWO) --rounds=$(ROUNDS)
races: ROUNDS ?= 100
races: setup ## the races, many rounds (ROUNDS=100)
	$(PY) -m pytest tests/races --rounds=$(ROUNDS)
simulate: setup ## the simulated world, deeply (MINUTES=20)
	PYTHONPATH=layers/emanet/python $(PY) -m tests.simulation
mutate: setup ## change the product, one thing at a time, and expect a red test
	$(PY) -m tests.mutation
test-second-engine: setup .tools/dynoxide ## integration, races, the story on dynoxide (npm, Linux on x86-64)
	$(PY) -m local.engines .tools/dynoxide \
		$(PY) -m pytest $(TWO) tests/integration tests/races \
		tests/simulation/test_moto_and_the_engines.py --rounds=$(ROUNDS)
	$(PY) -m local.engines .tools/dynoxide $(PY) -m pytest tests/system/test_story*.py
bench: setup .tools/dynoxide ## count reads and writes, among 100,000 escrows too (as above)
	$(PY) -m local.engines .tools/dynoxide $(PY) -m pytest tests/benchmarks
test-browser: setup .venv-browser/ready ## the demo shop in a real browser (needs Chromium)
	chromium=$$(.ci/chromium) && CHROMIUM="$$chromium" \
		.venv-browser/bin/python -m pytest tests/browser
test-unit: .venv-$(UNIT_PYTHON)/ready ## unit tests on another CPython (UNIT_PYTHON=3.11)
	.venv-$(UNIT_PYTHON)/bin/python -m pytest $(TWO) tests/unit
check: lint types validate test build test-build ## the gate; .ci/run adds the second engine, a browser, the oldest CPython
lint: .venv/ready ## ruff: rules and format
	.venv/bin/ruff check
	.venv/bin/ruff format --check
types: .venv/ready ## mypy, strict
	.venv/bin/mypy
validate: .venv-sam/ready ## the template, checked by SAM
	$(SAM) validate --lint
format: .venv/ready ## ruff writes
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# ── Ship it ──────────────────────────────────────────────────────────────────
BUILDS := $(addprefix .aws-sam/,$(sort $(EMANET_ARCHITECTURE) $(HOST)))
build: $(BUILDS) ## sam build, for Lambda and for this host
test-build: setup ## run what was built as Lambda would
	$(PY) -m pytest tests/build
.PHONY: $(BUILDS)
$(BUILDS): .venv-sam/ready .venv-$(EMANET_PYTHON)/ready
	EMANET_ARCHITECTURE=$(@F) PATH="$(CURDIR)/.venv-$(EMANET_PYTHON)/bin:$$PATH" \
	$(SAM) build --build-dir $@ --parameter-overrides \
		Architecture=$(@F) PythonRuntime=python$(EMANET_PYTHON)

# ── Pins and environments ────────────────────────────────────────────────────
docs: .venv/ready ## write the parts of docs/ that are made from the code
	PYTHONPATH=layers/emanet/python $(PY) -m local.documents
lock: .venv-lock/ready ## pin requirements again (UPGRADE=--upgrade for newer ones)
	$(UV) requirements/dev.in -o requirements/dev.txt
	$(UV) requirements/layer.in -c requirements/dev.txt \
		-o layers/emanet/python/requirements.txt
	$(UV) requirements/browser.in -c requirements/dev.txt -o requirements/browser.txt
	for tool in ministack sam lock; do \
		$(UV) requirements/$$tool.in -o requirements/$$tool.txt || exit; done

.venv/ready .venv-3.11/ready .venv-3.12/ready .venv-3.13/ready: requirements/dev.txt
.venv-ministack/ready: requirements/ministack.txt
.venv-browser/ready: requirements/browser.txt
.venv-sam/ready: requirements/sam.txt
.venv-lock/ready: requirements/lock.txt
PICKED = $${PYTHON:-$$(.ci/python 3.13 3.12 3.11)}
.venv-3.11/ready .venv-3.12/ready .venv-3.13/ready: PICKED = $$(.ci/python $(@D:.venv-%=%))
%/ready:
	@echo "Setting up $(@D) from $< (half a minute, only when it changes) ..."
	@python="$(PICKED)" && "$$python" -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --quiet \
		--require-hashes --requirement $<
	@touch $@

.tools/dynoxide: requirements/dynoxide.lock
	@mkdir -p .tools
	read package version sha256 <$< && cd .tools && \
	tgz=$$(npm pack --silent "$$package@$$version") && \
	echo "$$sha256  $$tgz" | sha256sum -c - && \
	tar -xzf "$$tgz" --strip-components=1 package/dynoxide && \
	rm "$$tgz" && touch dynoxide

# ── Forget ───────────────────────────────────────────────────────────────────
clean: ## forget all state: books, keys, logs, builds, caches
	@[ ! -x $(PY) ] || EMANET_STATE= $(PY) -m local.running
	rm -rf .local .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find functions layers local tests -name __pycache__ -prune -exec rm -rf {} +
distclean: clean ## and the environments and tools
	rm -rf .venv .venv-* .tools
