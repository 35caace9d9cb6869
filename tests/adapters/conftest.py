"""A small index, in this process and on a server: every adapter is held to both."""

import pytest

from tests.serving import make_index, serving


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    make_index(folder)
    return folder


@pytest.fixture(scope="session")
def server(folder):
    pytest.importorskip("fastapi", reason="the server needs the extra [server]")
    with serving(folder, indexes={"notes": str(folder / "index")}) as address:
        yield address


@pytest.fixture(params=["in process", "on a server"])
def address(request, folder):
    return str(folder / "index") if request.param == "in process" else request.getfixturevalue("server")
