"""LangChain's retriever over pages. LangChain's own tests: tests/clients."""

import base64

import pytest

pytest.importorskip("langchain_core", reason="the adapter needs the extra [langchain]")

from pagesight.engine.adapters.langchain import PagesightRetriever


def test_pages_are_documents(address):
    retriever = PagesightRetriever.open(address, k=2)
    first, second = retriever.invoke("a bicycle")
    assert (first.id, first.page_content) == ("wheels.txt:1", "a bicycle for everybody")
    metadata = first.metadata
    assert metadata["source"].endswith("docs/wheels.txt")
    assert (metadata["page"], metadata["page_label"], metadata["total_pages"]) == (0, "1", 1)
    assert (metadata["document"], metadata["page_number"]) == ("wheels.txt", 1)
    assert metadata["score"] > second.metadata["score"]
    assert metadata["regions"][0]["box"]
    assert "image" not in metadata


def test_filters_and_k_of_one_question(address):
    retriever = PagesightRetriever.open(address, filters="folder = fruit")
    assert {document.metadata["document"] for document in retriever.invoke("garden")} == {
        "fruit/apples.txt",
        "fruit/quinces.txt",
    }
    assert len(retriever.invoke("garden", k=1)) == 1
    assert [d.metadata["document"] for d in retriever.invoke("garden", filters="document = wheels.txt")] == [
        "wheels.txt"
    ]


def test_pictures_are_there_for_models_that_see(address):
    (document,) = PagesightRetriever.open(address, k=1, images=True).invoke("a bicycle")
    head, data = document.metadata["image"].split(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data).startswith(b"\xff\xd8")


def test_k_is_checked():
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        PagesightRetriever(searcher=None, k=0)
