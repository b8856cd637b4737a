# make demo   train LeNet-5 on 10,000 real digits and write a report
# make test   everything that must hold; under half an hour on two cores
# make real   slow runs on real data; figures go to records/
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test real torture lint clean

demo: $(VENV)/.demo
	$(BIN)/deepglass demo lenet

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

real: $(VENV)/.test
	$(BIN)/python -m pytest -m slow tests/real

torture: $(VENV)/.test
	$(BIN)/python -m pytest -m slow tests --ignore tests/real

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

$(VENV)/.demo: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "deepglass needs Python 3.11 or newer; this is $$($(PYTHON) --version). Give another: make PYTHON=python3.12 demo"; exit 4; }
	@echo "Installing into $(VENV): PyTorch and what deepglass needs, about 300 MB with the CPU build of PyTorch (about 3 GB with the CUDA build)."
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "Installing the tools of the tests, about 120 MB."
	$(PIP) -e ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
