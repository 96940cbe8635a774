# What there is to do here: `make` or `make help` lists it.
# Every target that needs Python makes .venv first; extra arguments go in ARGS="…".

VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PYTHONS ?= python3.11 python3 python3.12 python3.13
EXPERIMENT ?= da_paintings
SWEEP ?= temperature_by_gaussians
JOBS ?= 2
ARGS ?=
PIP_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo train sweep ablation test test-slow test-faults test-timm lint type docs bench bench-metrics bench-data bench-predict clean

help: ## list the targets
	@echo "make TARGET [ARGS=\"…\"]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with the pinned versions (done once; again when pyproject.toml or constraints.txt change)

# The stamp is written last, so an installation cut short is taken up again.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
	  for python in $(PYTHONS); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11 or newer: looked for $(PYTHONS) on PATH. Install one, or name it: make install PYTHONS=/path/to/python3.11" >&2; exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$($$found --version)"; \
	  "$$found" -m venv --clear $(VENV); \
	}
	$(PYTHON) -m pip install --disable-pip-version-check -q $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## look at pictures, then train on a simulated gallery, in minutes: outputs/demo
	$(PYTHON) -m spgen_lit demo $(ARGS)

train: $(STAMP) ## train one experiment: EXPERIMENT=da_paintings ARGS="data/source=osie"
	$(PYTHON) -m spgen_lit.train +experiment=$(EXPERIMENT) $(ARGS)

sweep: $(STAMP) ## train over a grid: SWEEP=temperature_by_gaussians EXPERIMENT=da_paintings
	$(PYTHON) -m spgen_lit.train -m +experiment=$(EXPERIMENT) +sweep=$(SWEEP) $(ARGS)

ablation: $(STAMP) ## remake the ablation table: one training per part left out
	$(PYTHON) -m spgen_lit.train -m +experiment=$(EXPERIMENT) +sweep=ablation $(ARGS)

# Whole files beside each other, one thread each: results do not depend on the number of cores.
test: $(STAMP) ## run the tests but the minutes-long ones: JOBS=2 beside each other, 0 for one process
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -m 'not slow and not faults' -n $(JOBS) --dist loadfile $(ARGS)

test-slow: $(STAMP) ## run the minutes-long tests
	$(PYTHON) -m pytest -m slow $(ARGS)

test-faults: $(STAMP) ## kill trainings at random and go on with them (an hour)
	$(PYTHON) -m pytest -m faults -s tests/test_faults.py $(ARGS)

# timm needs torchvision, whose builds go with other builds of torch than the pinned one.
TIMM_VENV := .venv-timm
$(TIMM_VENV)/.installed: $(STAMP)
	$(PYTHON) -m venv --clear $(TIMM_VENV)
	grep -vE '^(torch|pytorch-lightning)==' constraints.txt > $(TIMM_VENV)/constraints.txt
	$(TIMM_VENV)/bin/python -m pip install --disable-pip-version-check -q $(PIP_ARGS) -c $(TIMM_VENV)/constraints.txt torch==2.14.1 torchvision==0.29.1 timm==1.0.31 -e '.[test]'
	@touch $@

test-timm: $(TIMM_VENV)/.installed ## run the tests of timm's models in an environment of its own (6 GB)
	$(TIMM_VENV)/bin/python -m pytest -m timm tests/network/test_timm_encoder.py $(ARGS)

docs: $(STAMP) ## build the documentation site, strictly: site/index.html
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict -q

lint: $(STAMP) ## check style and formatting
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

type: $(STAMP) ## check types
	$(PYTHON) -m mypy

bench: bench-metrics bench-data bench-predict ## measure all of the three below

bench-metrics: $(STAMP) ## pairs a second of the metrics, beside multimatch-gaze
	$(PYTHON) -m benchmarks.bench_metrics $(ARGS)

bench-data: $(STAMP) ## images a second into training, with and without the cache
	$(PYTHON) -m benchmarks.bench_data $(ARGS)

bench-predict: $(STAMP) ## images a second of prediction, and its memory
	$(PYTHON) -m benchmarks.bench_predict $(ARGS)

clean: ## remove what builds and tests leave (keeps .venv, data and outputs)
	rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find conf src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
