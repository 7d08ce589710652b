# VARAi Commerce Studio. `make help` lists what can be done; every target makes what it needs first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --warn-undefined-variables

export VARAI_HOME ?= $(CURDIR)/var
DATA ?=
NAME ?=
ONLY ?=
PYTHON ?=
UPGRADE ?=
PROFILE ?= embedded
# One file goes to one worker, so that a costly fixture is made once; files begin in the order of collection, the longest first.
PYTEST ?= -n 2 --dist loadfile --no-loadscope-reorder

bin := .venv/bin
installed = [ -x $(bin)/python ] || { echo "There is no environment yet, so nothing is running: 'make demo' makes it and starts the stack." >&2; exit 1; };
system_python = $(firstword $(foreach name,$(PYTHON) python3 python3.11 python,$(shell command -v $(name))))
typed := plugins/varai $(wildcard serving sandbox dags ml_pipelines bench)
uv := uv==0.13.9
compile = .cache/lock/bin/uv pip compile -q pyproject.toml --python-version 3.11 --no-strip-extras --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

platform_extras := airflow cloud files learning postgres quality warehouse

.PHONY: help
##@ VARAi Commerce Studio
help: ## list these targets
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

##@ the embedded stack
.PHONY: demo up down status logs reset doctor
demo: doctor setup ## run the river for both regions and leave the stack up; DATA=../shared/data runs it on real files
	@$(bin)/python -m sandbox demo $(if $(DATA),--data $(DATA))

up: setup ## start the embedded stack; PROFILE=compose starts the same one in containers
	@$(bin)/python -m sandbox up --profile $(PROFILE)

down: ## stop everything the stack started (PROFILE as for up); its data stay
	@if [ -x $(bin)/python ]; then $(bin)/python -m sandbox down --profile $(PROFILE); else echo "There is no environment yet, so nothing is running."; fi

status: ## show what runs, and the last slice of every stream
	@$(installed) $(bin)/python -m sandbox status

logs: ## the end of every log of the stack; NAME=serving-eu shows one
	@$(installed) $(bin)/python -m sandbox logs $(NAME)

reset: ## stop the stack and delete its data (asks first)
	@$(installed) $(bin)/python -m sandbox reset

doctor: ## say what this machine lacks, with the cure
	@$(or $(system_python),echo "There is no Python on this machine: install Python 3.11 with venv." && false) sandbox/doctor.py

##@ development
.PHONY: setup test prove lint types docs bench lock
setup: ## make .venv from the hashed lock; quick when nothing changed
	@PYTHON="$(PYTHON)" .ci/setup

test: setup lint types ## everything that continuous integration runs
	@echo "== tests"
	@env -u VARAI_HOME $(bin)/pytest -q $(PYTEST)
	@echo "All checks passed: style, floors, types, tests."

prove: setup ## the fault matrix: every connector under every fault loses nothing in silence; ONLY=vendor,fault plays some of it
	@env -u VARAI_HOME $(bin)/python -m sandbox prove $(if $(ONLY),--only "$(ONLY)")

lint: setup ## style and floors
	@echo "== style"
	@$(bin)/ruff check -q .
	@$(bin)/ruff format -q --check .
	@echo "== floors"
	@$(bin)/lint-imports --no-logo

types: setup ## strict types
	@echo "== types"
	@$(bin)/mypy $(typed)

docs: setup ## write docs/reference/ from the code
	@$(bin)/python -m varai.cli.reference

bench: setup ## benchmarks, as ratios measured in one run
	@$(bin)/python -m bench

lock: ## resolve requirements/ from pyproject.toml, keeping versions that still fit (UPGRADE=<package> renews one)
	@python3 -m venv .cache/lock && .cache/lock/bin/pip install -q --disable-pip-version-check $(uv)
	@$(compile) --all-extras $(foreach package,$(UPGRADE),--upgrade-package $(package)) -o requirements/all.txt
	@$(compile) --extra serving -c requirements/all.txt -o requirements/serving.txt
	@$(compile) --extra vendors -c requirements/all.txt -o requirements/vendors.txt
	@$(compile) $(addprefix --extra ,$(platform_extras)) -c requirements/all.txt -o requirements/platform.txt
	@$(subst pyproject.toml,--group build,$(compile)) -c requirements/all.txt -o requirements/build.txt
	@echo "requirements/ is resolved; \`make setup\` installs it."
