# Two commands do all the set-up on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV ?= .venv
CLIENTS ?= .venv-clients
BIN := $(VENV)/bin
BASE := $(VENV)/.base
INSTALLED := $(VENV)/.installed

.PHONY: demo test test-slow test-clients check format bench clean

demo: $(BASE)
	@PATH="$(abspath $(BIN)):$$PATH" sh demo.sh

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -q -n auto --dist loadfile

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -q

# Programs of others, as they are: OpenAI, LangChain, LlamaIndex, Haystack, Cohere, Jina, MCP.
test-clients: $(CLIENTS)/.installed
	OMP_NUM_THREADS=1 $(CLIENTS)/bin/python -m pytest -q tests/clients tests/adapters tests/mcp -o asyncio_mode=auto -W default

$(CLIENTS)/.installed: pyproject.toml constraints.txt tests/clients/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --editable '.[server,watch,langchain,llamaindex,haystack]' -r tests/clients/requirements.txt
	touch $@

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/ruff check --config sample_docs/make/ruff.toml sample_docs/make
	$(BIN)/mypy
	$(BIN)/python -m benchmarks.readme --check

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.speed

$(BASE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(INSTALLED): $(BASE)
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) $(CLIENTS) .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
