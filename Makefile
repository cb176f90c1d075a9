# The two commands: `make results/<target>` runs the pipeline, `make test` runs the tests.
# Both first make .venv and install the project there with the pinned versions of constraints.txt.
PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)

# One thread a process where Snakemake runs several; waiting threads must not burn the other core.
export OMP_WAIT_POLICY = passive
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help test test-slow always

help:
	@echo "make results/table1.csv   Table 1 from real clips: 10 minutes on two cores after the install"
	@echo "make results/<target>     any other table; docs/output-layout.md lists them"
	@echo "make test                 the tests, 22 minutes on two cores; make test-slow runs the default pipeline for real"

results/%: .venv/installed always
	snakemake --cores $(CORES) --quiet rules -- $@

test: .venv/installed
	OMP_NUM_THREADS=1 pytest -m "not slow" --numprocesses $(CORES) --maxprocesses 4 --dist loadfile

test-slow: .venv/installed
	pytest -m slow

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "huebench needs Python 3.11 or newer; name one: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	pip install --quiet --upgrade pip
	pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@
