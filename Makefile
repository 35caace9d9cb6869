# Two commands do all the set-up on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV ?= .venv
CLIENTS ?= .venv-clients
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE # the tests start hundreds of processes: what one compiled need not be compiled by the others
BASE := $(VENV)/.base
INSTALLED := $(VENV)/.installed
MADE := $(VENV)/.made

.PHONY: demo serve test test-thorough test-slow test-clients test-nodes test-page fuzz check format bench clean

demo: $(BASE)
	@PATH="$(abspath $(BIN)):$$PATH" sh demo.sh

serve: $(VENV)/.serving
	test -d .demo/index || $(BIN)/pagesight --index .demo/index index sample_docs
	$(BIN)/pagesight serve --index sample_docs=.demo/index --allow-write --state .demo/state

$(VENV)/.serving: $(BASE)
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[server]'
	touch $@

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not thorough" --hypothesis-profile=quick -q -n auto --dist loadfile

# What takes most of the time: processes that are killed, streams, training, memory; and properties again, with all their examples.
test-thorough: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "(thorough or hypothesis) and not slow" -q -n auto --dist loadfile

test-slow: $(INSTALLED)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[eval]'
	$(BIN)/python -m pytest -q --hypothesis-profile=exploring

# Programs of others, as they are: OpenAI, LangChain, LlamaIndex, Haystack, Cohere, Jina, MCP.
test-clients: $(CLIENTS)/.installed
	OMP_NUM_THREADS=1 $(CLIENTS)/bin/python -m pytest -q tests/clients tests/adapters tests/mcp -o asyncio_mode=auto -W default

$(CLIENTS)/.installed: pyproject.toml constraints.txt tests/clients/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --editable '.[server,watch,langchain,llamaindex,haystack]' -r tests/clients/requirements.txt
	touch $@

# Machines of a cluster, made of network namespaces: Linux, root, ip. Skipped where these cannot be had.
test-nodes: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -rs tests/nodes

# In Debian's chromium, with axe-core. Both are skipped where they are not there.
test-page: $(INSTALLED) build/axe/package/axe.min.js
	$(BIN)/pip install --quiet playwright
	$(BIN)/python -m pytest -q tests/server/test_page.py

build/axe/package/axe.min.js:
	mkdir -p build/axe
	cd build/axe && npm pack --silent axe-core@4.14.1 && tar xzf axe-core-4.14.1.tgz

# A running server is asked what its OpenAPI document allows, and what it does not.
fuzz: $(VENV)/.serving
	$(PYTHON) -m venv .venv-fuzz && .venv-fuzz/bin/pip install --quiet schemathesis
	sh tests/server/fuzz.sh $(BIN)/pagesight .venv-fuzz/bin/schemathesis

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

$(MADE):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	touch $@

$(BASE): $(MADE) pyproject.toml constraints.txt
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable .
	touch $@

$(INSTALLED): $(MADE) pyproject.toml constraints.txt
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $(BASE) $@

clean:
	rm -rf $(VENV) $(CLIENTS) .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
