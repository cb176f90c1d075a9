# The two commands: `make results/<target>` runs the pipeline, `make test` runs the tests.
# Both first make .venv and install the project there with the pinned versions of constraints.txt.
PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
# Without a core Snakemake would wait for one for ever.
ifneq ($(shell { [ "$(CORES)" -ge 1 ] || [ "$(CORES)" = all ]; } 2> /dev/null && echo right),right)
$(error CORES is '$(CORES)'; expected how many cores to use, 1 or more)
endif

# One thread a process where Snakemake runs several; waiting threads must not burn the other core.
export OMP_WAIT_POLICY = passive
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# A home that cannot be written to, as in containers and on nodes: Snakemake's and matplotlib's caches lie here instead.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)
ifeq ($(shell mkdir -p '$(CACHE)' 2> /dev/null && test -w '$(CACHE)' && echo writable),)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
export MPLCONFIGDIR := $(XDG_CACHE_HOME)/matplotlib
endif

# Folders are there without being made, so make must not call them up to date: Snakemake says what may be meant.
FOLDERS := $(patsubst %/,%,$(wildcard */))
# A line for each job (plan/make.py); with V=1 what Snakemake says.
PIPELINE = @$(if $(V),snakemake,python -m plan.make) --cores $(CORES) -- $@

.SUFFIXES:
.PHONY: help test test-slow always $(FOLDERS)

help:
	@echo "make results/table1.csv   Table 1 from real clips: 10 minutes on two cores after the install"
	@echo "make results/<target>     any other table; docs/output-layout.md lists them; V=1 prints all that Snakemake says"
	@echo "make all                  everything: all tables, figures and the report; make table1, make report: one of them"
	@echo "make test                 the tests, 8 minutes on two cores; make test-slow runs the default pipeline for real, kills small ones and fills disks"

results/%: .venv/installed always
	$(PIPELINE)

# The name of a rule is a target too, such as all, table1 or report; Snakemake knows what there is.
.DEFAULT:
	@$(MAKE) --silent --no-print-directory .venv/installed
	$(PIPELINE)

$(FOLDERS): .venv/installed
	$(PIPELINE)

test: .venv/installed
	OMP_NUM_THREADS=1 pytest -m "not slow" --numprocesses $(CORES) --maxprocesses 4 --dist loadfile

test-slow: .venv/installed
	pytest -m slow

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "huebench needs Python 3.11 or newer; name one: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "installing into .venv: about 7 GB of packages, two to three minutes"
	@began=$$(date +%s); $(PYTHON) -m venv .venv && \
		{ pip install --upgrade pip && \
		pip install --constraint constraints.txt --editable '.[test]'; } > .venv/install.log 2>&1 || \
		{ tail -n 20 .venv/install.log; echo "not installed; .venv/install.log has it all"; exit 1; }; \
		echo "installed in $$(($$(date +%s) - began)) s; what pip said is in .venv/install.log"
	@touch $@
