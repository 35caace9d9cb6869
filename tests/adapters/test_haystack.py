"""Haystack's component over pages, in a pipeline that is saved and loaded."""

import os

import pytest

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
pytest.importorskip("haystack", reason="the adapter needs the extra [haystack]")

from haystack import Pipeline

from pagesight.engine.adapters.haystack import PagesightRetriever


def test_pages_are_documents(address):
    retriever = PagesightRetriever(address, top_k=2)
    first, second = retriever.run("a bicycle")["documents"]
    assert (first.id, first.content) == ("wheels.txt:1", "a bicycle for everybody")
    assert first.score > second.score
    assert first.meta["page_number"] == 1
    assert first.meta["file_path"].endswith("docs/wheels.txt")
    assert first.blob is None
    (other,) = retriever.run("a bicycle", top_k=1, filters="folder = fruit")["documents"]
    assert other.meta["document"].startswith("fruit/")


def test_a_pipeline_is_saved_and_loaded(address, monkeypatch):
    pipeline = Pipeline()
    pipeline.add_component("retriever", PagesightRetriever(address, top_k=1, filters="folder = fruit", images=True))
    saved = pipeline.dumps()
    assert "PAGESIGHT_API_KEY" in saved, "the name of the variable, and nothing more, says where the key is"
    monkeypatch.setenv("HAYSTACK_DESERIALIZATION_ALLOWLIST", "pagesight,pagesight.*")
    loaded = Pipeline.loads(saved)
    assert loaded.dumps() == saved
    (document,) = loaded.run({"retriever": {"query": "quinces"}})["retriever"]["documents"]
    assert document.meta["document"] == "fruit/quinces.txt"
    assert document.blob.mime_type == "image/jpeg"
    assert document.blob.data.startswith(b"\xff\xd8")
