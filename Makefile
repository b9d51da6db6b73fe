# make reports   everything from nothing: environment, built-in clips, training, report
# make test      the same environment, and the quick tests (make lint: format, style, who imports whom)
# make test-all  all tests but those on a real Slurm: the slow ones too
PYTHON ?= python3
BIN := .venv/bin
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps
export PATH := $(CURDIR)/$(BIN):$(PATH)

# A process a core, each computing with one thread. A file's tests stay together, in the order in
# which tests/conftest.py puts the files: those that take long first.
PYTEST := OMP_NUM_THREADS=1 TTVOS_THREADS=1 pytest --numprocesses logical --maxprocesses 8 \
    --dist loadfile --no-loadscope-reorder

.PHONY: reports test test-all lint format backbone peers lock clean

# V=1 shows all that Snakemake says, in place of one line of progress.
reports: .venv/ready
	@snakemake --cores all reports/ $(if $(V),--verbose)

test: .venv/ready
	$(PYTEST) -m "not slow" --ignore tests/slow

test-all: .venv/ready
	$(PYTEST) --ignore tests/slow/cluster

lint: .venv/ready
	ruff check .
	ruff format --check .
	snakefmt --check workflow
	snakemake --lint
	lint-imports

format: .venv/ready
	ruff check --fix .
	ruff format .
	snakefmt workflow

# weights/mini-hrnet-backbone.safetensors: what ttvos-hrnet-davis started from (half an hour).
backbone: .venv/ready
	ttvos data mini --run workflow/runs/mini-backbone.yaml --out results/backbone/data
	TTVOS_THREADS=1 ttvos train --variant exp8 --backbone hrnet \
	    --run workflow/runs/mini-backbone.yaml --out results/backbone/train/exp8-hrnet-s0
	ttvos backbone --checkpoint results/backbone/train/exp8-hrnet-s0/checkpoint.safetensors \
	    --out weights/mini-hrnet-backbone.safetensors

# results-published/peers: costs of the peers, which the workflow takes over while their code is the
# same, so that it need not count them again (five minutes).
peers: .venv/ready
	ttvos cost --trackers all --out results-published/peers

# Renew all pins, for pip and for conda, from pyproject.toml (needs uv). The lock is whole, and is
# installed without looking for more: vos-benchmark would pull in a second OpenCV. Conda's pip
# always looks for more, so there vos-benchmark is left out (its test and benchmark say so).
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra workflow --extra cluster --extra dev \
	    --no-header pyproject.toml --output-file requirements.lock
	printf '%s\n' '# conda env create --file environment.yml && conda activate ttvos' \
	    '# The versions of requirements.lock, written by make lock.' 'name: ttvos' \
	    'channels: [conda-forge]' 'dependencies:' '  - python=3.12' '  - pip' '  - pip:' \
	    > environment.yml
	sed -n -e '/^vos-benchmark==/d' -e 's/^\([[:alnum:]].*==.*\)/      - \1/p' requirements.lock \
	    >> environment.yml

clean:
	rm -rf results reports

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into .venv, which takes two to four minutes"
	@$(PYTHON) -m venv .venv
	@$(PIP) --requirement requirements.lock
	@$(PIP) --editable .
	@touch $@
