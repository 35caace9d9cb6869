"""One server for all clients: small, and with a key, as it would be found."""

import importlib.util
import os
from pathlib import Path

import pytest

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from tests.serving import make_index, serving

NEEDED = ("openai", "cohere", "langchain_openai", "langchain_tests", "llama_index", "haystack", "fastapi")
KEY = "the key of the clients"


def pytest_collection_modifyitems(items):
    """Other people's clients live in an environment of their own."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        skip = pytest.mark.skip(reason=f"{', '.join(missing)} not installed; make test-clients runs these")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    make_index(folder)
    return folder


@pytest.fixture(scope="session")
def address(folder):
    from pagesight.engine.server.settings import Keys

    with serving(folder, indexes={"notes": str(folder / "index")}, keys=Keys(read_only=KEY)) as address:
        yield address


@pytest.fixture
def key():
    return KEY
