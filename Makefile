# The few commands of farechain. Each does its own set-up.
.PHONY: help demo test check bench bench-city bench-peers clean
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
export PYTHONDONTWRITEBYTECODE := 1

help: ## lists the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(VENV)/.dependencies: requirements.lock
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

RUST := $(shell find rust -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock
$(VENV)/.built: $(VENV)/.dependencies $(RUST) pyproject.toml
	VIRTUAL_ENV=$(abspath $(VENV)) PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 $(VENV)/bin/maturin develop --release --quiet
	touch $@

demo: $(VENV)/.built ## a signed day from Kafka to provable invoices, then the page (SERVE=0 ends after the summary)
	$(PYTHON) -m farechain demo

test: $(VENV)/.built ## everything that CI runs
	tests/run $(PYTHON)

bench: $(VENV)/.built ## the figures, with their ratio to budget and limit
	$(PYTHON) -m bench

$(VENV)/.peers: $(VENV)/.dependencies bench/peers/requirements.lock
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/peers/requirements.lock
	touch $@

bench-peers: $(VENV)/.built $(VENV)/.peers ## farechain beside a Python pipeline, Tessera, immudb and CometBFT
	$(PYTHON) -m bench.peers

bench-city: $(VENV)/.built ## a day on a ledger of 33,000,000 invoices; 28 GB of disk, some minutes
	$(PYTHON) -m bench --only city --output bench/results/city.json

clean: ## removes what the other commands made
	rm -rf $(VENV) target var
