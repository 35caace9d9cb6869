"""One thread for tiny networks: waiting for another costs more than the work."""

from tests.jina.conftest import _one_thread  # noqa: F401
