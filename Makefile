# Most targets are one or two python commands; README.md lists those that users need, for who has no make.
PYTHON ?= $(or $(shell command -v python3.11 || command -v python3.12 || command -v python3.13),python3)
# a kernel installed elsewhere must not stand in for ours
unexport JUPYTER_PATH PYTHONPATH PYTHONHOME

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
RUN_PYTHON := $(BIN)/python
STAMP := .venv/installed

# Handed to the programs by the environment, as they were given: no shell or make reads what stands in a path.
GIVEN := DATASET SOURCE TRAINED_ON WITHOUT_COPIES PROFILE RUN PARAMS CLASSES SWEEP FER A B RUNS PORT
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
UNKNOWN := $(filter-out $(GIVEN) PYTHON,$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name))))
ifneq ($(UNKNOWN),)
$(error Unknown variable $(UNKNOWN): expected $(GIVEN) or PYTHON, in capitals; a notebook's parameter goes into PARAMS, as PARAMS="EPOCHS=7")
endif

# a checkout that was moved or copied brings an environment with it that runs the code in the old place
ifneq ($(shell $(PYTHON) -c "import pathlib; [print(path.read_text()) for path in pathlib.Path('.venv').glob('installed')]"),$(CURDIR))
.PHONY: $(STAMP)
endif

.DEFAULT_GOAL := help
.PHONY: help setup pipeline sweep train-shipped final-test bench inspect compare readme app test lint lab board lock clean

help: ## list these targets
	@$(PYTHON) -c "import re; [print(f'  make {t:13} {h}') for t, h in re.findall(r'^([\w-]+):.*?## (.*)', open('Makefile').read(), re.M)]"

setup: $(STAMP) ## make .venv with the locked packages

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f'Python 3.11, 3.12 or 3.13 is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11 ...')"
	@echo "Setting up .venv: some 190 packages, 3 GB, a few minutes."
	@$(PYTHON) -m venv --clear .venv
	@$(RUN_PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(RUN_PYTHON) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@$(RUN_PYTHON) -m pipeline.own_first
	@$(RUN_PYTHON) -c "import os; open('$(STAMP)', 'w').write(os.getcwd())"

pipeline: setup ## run the notebooks: DATASET=name SOURCE=path [PROFILE=smoke] [RUN=name] [PARAMS="EPOCHS=3"]
	@$(RUN_PYTHON) -m doit "DATASET=$$DATASET" "SOURCE=$$SOURCE" "PROFILE=$$PROFILE" "RUN=$$RUN" "PARAMS=$$PARAMS" "CLASSES=$$CLASSES"

sweep: setup ## many runs side by side, from sweeps/: SWEEP=name [DATASET=name SOURCE=path] [PROFILE=smoke]
	@$(RUN_PYTHON) -m pipeline.sweep "SWEEP=$$SWEEP" "DATASET=$$DATASET" "SOURCE=$$SOURCE" "PROFILE=$$PROFILE" "PARAMS=$$PARAMS" "CLASSES=$$CLASSES"

train-shipped: setup ## make the shipped model anew, some 45 minutes where bfloat16 is fast: SOURCE=fer2013.zip with people's votes
	@$(RUN_PYTHON) -m doit DATASET=fer2013 PROFILE=shipped "SOURCE=$$SOURCE"
	@$(RUN_PYTHON) -m pipeline.shipping fer2013-shipped

final-test: setup ## score the shipped model on data it has never seen: SOURCE=path TRAINED_ON=fer2013.zip [WITHOUT_COPIES=1]
	@$(RUN_PYTHON) -m pipeline.final_test "--source=$$SOURCE" "--trained-on=$$TRAINED_ON" "--without-copies=$$WITHOUT_COPIES" "--classes=$$CLASSES"

bench: setup ## how fast training and answers are here, beside the student project's way: [FER=folder]
	@$(RUN_PYTHON) benchmarks/bench.py $(if $(FER),--fer "$$FER")

inspect: setup ## say what folders and classes of SOURCE=path would be taken for: [CLASSES=...]
	@$(RUN_PYTHON) -m utils.data.ingest "$$SOURCE" "$$CLASSES"

compare: setup ## what changed between two runs, and which figures moved: A=run B=run
	@$(RUN_PYTHON) -m reporting.comparison "$$A" "$$B"

readme: setup ## renew the tables of published figures; RUNS="a b" publishes finished runs first
	@$(RUN_PYTHON) -m reporting.results $$RUNS

app: setup ## the page on http://127.0.0.1:5000
	@$(RUN_PYTHON) main.py

test: setup ## every test
	@$(RUN_PYTHON) -m pytest

lint: setup ## style, formatting and types of the code, and notebooks without outputs
	@$(RUN_PYTHON) -m ruff check .
	@$(RUN_PYTHON) -m ruff format --check .
	@$(RUN_PYTHON) -m mypy
	@$(RUN_PYTHON) -m nbstripout --keep-count --verify notebooks/*.ipynb

lab: setup ## open JupyterLab on the notebooks
	@$(RUN_PYTHON) -m jupyter lab

board: setup ## TensorBoard on the epochs of all trainings; says how to install it
	@$(RUN_PYTHON) -m utils.plots.board

lock: setup ## solve requirements.lock anew
	@$(RUN_PYTHON) -m uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev --generate-hashes --no-header --quiet --output-file requirements.lock

clean: ## remove what the pipeline made; data/raw and the log of test evaluations stay
	@$(PYTHON) -c "import pathlib, shutil; [shutil.rmtree(p) for top in ('data/processed', 'models', 'reports') for p in pathlib.Path(top).glob('*') if p.is_dir() and p.name not in ('shipped', 'published')]; [p.unlink() for p in pathlib.Path('reports').glob('*.html')]"
