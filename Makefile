# Everything lives in .venv, made from PYTHON; stamp files in it say what is up to date.

PYTHON ?= python3
VENV   ?= .venv
# A file's tests share programs that one worker compiles once.
PYTEST_ARGS ?= -n auto --dist loadfile
# Of an environment beside .venv: the wheel that was built there, instead of another build; and a version of JAX.
WHEEL       ?=
JAX_VERSION ?=

BIN   := $(VENV)/bin
PIP   := $(BIN)/python -m pip --disable-pip-version-check -q
STAMP := $(VENV)/stamps
LOG   := $(VENV)/build.log

PACKAGE := pyproject.toml CMakeLists.txt README.md LICENSE \
	$(shell find src/sortax -type f -not -name '*.so' -not -path '*/__pycache__/*') \
	$(shell find csrc -type f -not -path 'csrc/tests/*')
BUILT := $(or $(WHEEL),$$(echo $(VENV)/wheel/sortax-*.whl))
CPP := $(shell find csrc -name '*.h' -o -name '*.cc')
PY  := $(wildcard src tests benchmarks examples)

# A step in one line, with the seconds that it takes: $(call step,its name,commands).
step = printf '==> %s ... ' "$(1)"; start=$$(date +%s); { $(2); } || exit 1; echo "$$(($$(date +%s) - start)) s"

.PHONY: help demo test test-native test-all bench lint format sanitize clean
.DEFAULT_GOAL := help

help: ## show this list
	@echo "Targets of sortax (PYTHON=$(PYTHON), VENV=$(VENV)):"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

demo: $(STAMP)/demo ## the guided tour: every claim held against jax.numpy, and report/index.html
	@start=$$(date +%s); $(BIN)/python -m sortax && echo "==> the tour ... $$(($$(date +%s) - start)) s"

# What is tested on the native kernels, or on the XLA path where there are none, and what is tested on the XLA path as well.
test: TESTS = not deep
test: AGAIN = lowering and not deep
test: $(STAMP)/test ## the tests in ten minutes: on the native kernels, and what lowering can change on the XLA path as well
	@$(RUN_TESTS)

test-all: $(STAMP)/test ## all tests, long ones included, on both paths: for a night, and before a release
	@$(RUN_TESTS)

# A part of the tests, as PYTEST_ARGS may ask for, may have none for a path: that is pytest's exit status 5.
define RUN_TESTS
failed=0; again="$(AGAIN)"; \
if $(BIN)/python -c "import sys, sortax; sys.exit(not sortax.native_status().available)"; then \
  echo "==> tests on the native kernels"; \
  $(BIN)/pytest -m "$(TESTS)" $(PYTEST_ARGS) || [ $$? -eq 5 ] || failed=1; \
else \
  $(BIN)/python -c "import sortax; print('==> no native kernels to test:', sortax.native_status().reason)"; \
  again="$(TESTS)"; \
fi; \
echo "==> tests on the XLA path"; \
SORTAX_NATIVE=0 $(BIN)/pytest -m "$$again" $(PYTEST_ARGS) || [ $$? -eq 5 ] || failed=1; \
exit $$failed
endef

test-native: $(STAMP)/test ## its native half alone, as other versions of Python and JAX are tested
	@$(BIN)/python -c "import sys, sortax; s = sortax.native_status(); print('==> tests on the', s); sys.exit(not s.available)"
	@$(BIN)/pytest -m "not deep" $(PYTEST_ARGS)

bench: $(STAMP)/bench ## benchmarks against jax.numpy, numpy and others; BENCH_ARGS goes to them
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

lint: $(STAMP)/dev ## ruff, clang-format and pyright: all of them, then failure if any failed
	@failed=0; \
	for check in "ruff check $(PY)" "ruff format --check $(PY)" "clang-format --dry-run --Werror $(CPP)" \
	  "pyright --pythonpath $(BIN)/python"; do \
	  echo "==> $${check%% csrc*}"; $(BIN)/$$check || failed=1; \
	done; \
	exit $$failed

format: $(STAMP)/dev ## rewrite Python and C++ files in the style that lint asks for
	@$(BIN)/ruff check --fix $(PY); $(BIN)/ruff format $(PY); $(BIN)/clang-format -i $(CPP)

sanitize: $(STAMP)/dev ## unit tests of the kernels under the address, undefined-behaviour and thread sanitizers
	@$(MAKE) --no-print-directory -j 2 sanitize-address,undefined sanitize-thread

# Where addresses are randomised too widely for a thread sanitizer, setarch -R asks for none.
sanitize-%:
	@folder=build/$@; mkdir -p $$folder; \
	{ $(BIN)/cmake -S . -B $$folder -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja \
	    -DSORTAX_TESTS=ON -DSORTAX_SANITIZE=$* && $(BIN)/cmake --build $$folder --target sortax_tests; \
	} >$$folder/log 2>&1 || { tail -n 40 $$folder/log; exit 1; }; \
	fixed=; if setarch $$(uname -m) -R true 2>/dev/null; then fixed="setarch $$(uname -m) -R"; fi; \
	checks=$$($$fixed $$folder/sortax_tests 2>&1) || { echo "$$checks"; exit 1; }; \
	echo "==> unit tests of the kernels, sanitizers $*: $$checks"

clean: ## remove .venv and everything built
	rm -rf $(VENV) .venv-newest .venv-oldest build dist report site .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP)/venv:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "sortax needs Python 3.11 or newer; pass one: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || \
	  { echo "$(PYTHON) lacks ensurepip; install it (Debian, Ubuntu: apt install python3-venv) or pass another: make PYTHON=..."; \
	    exit 1; }
	@$(call step,creating $(VENV),$(PYTHON) -m venv $(VENV))
	@mkdir -p $(STAMP) && touch $@

ifeq ($(WHEEL),)
# The wheel is built apart, so that a change of the sources reinstalls nothing else.
$(STAMP)/package: $(STAMP)/venv $(PACKAGE)
	@rm -rf $(VENV)/wheel
	@$(call step,building sortax,\
	  $(BIN)/python -m pip --disable-pip-version-check wheel -v --no-deps -w $(VENV)/wheel . >$(LOG) 2>&1 || \
	  { echo; tail -n 60 $(LOG); echo "the build failed; the whole log is in $(LOG)"; false; })
	@sed -n 's/^ *\(sortax: .*\)$$/    \1/p' $(LOG)
else
$(STAMP)/package: $(STAMP)/venv $(WHEEL)
endif
	@$(call step,installing sortax,$(PIP) install --force-reinstall --no-deps $(BUILT))
	@touch $@

$(STAMP)/demo $(STAMP)/test $(STAMP)/bench $(STAMP)/dev: pyproject.toml | $(STAMP)/package
	@$(call step,installing what sortax[$(@F)] needs,\
	  $(PIP) install $(if $(JAX_VERSION),jax==$(JAX_VERSION)) "$(BUILT)[$(@F)]")
	@touch $@
