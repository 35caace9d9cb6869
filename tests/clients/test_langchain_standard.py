"""LangChain's own tests of retrievers: in this process, and on a server."""

import pytest

pytest.importorskip("langchain_tests")

from langchain_tests.integration_tests import RetrieversIntegrationTests

from pagesight import Client, SearchEngine
from pagesight.engine.adapters.langchain import PagesightRetriever


class TestInProcess(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _searcher(self, folder):
        with SearchEngine.open(folder / "index") as self.searcher:
            yield

    @property
    def retriever_constructor(self):
        return PagesightRetriever

    @property
    def retriever_constructor_params(self):
        return {"searcher": self.searcher}

    @property
    def retriever_query_example(self):
        return "apples in the garden"


class TestOnAServer(TestInProcess):
    @pytest.fixture(autouse=True)
    def _searcher(self, address, key):
        with Client(address, key=key) as self.searcher:
            yield
