"""LlamaIndex's retriever over pages."""

import base64

import pytest

pytest.importorskip("llama_index.core", reason="the adapter needs the extra [llamaindex]")

from llama_index.core.schema import ImageNode, MetadataMode

from pagesight.engine.adapters.llamaindex import PagesightRetriever
from pagesight.storage.errors import ConfigError


def test_pages_are_nodes(address):
    first, second = PagesightRetriever.open(address, k=2).retrieve("a bicycle")
    assert (first.node.node_id, first.node.text) == ("wheels.txt:1", "a bicycle for everybody")
    assert first.score > second.score
    metadata = first.node.metadata
    assert (metadata["file_name"], metadata["page_label"]) == ("wheels.txt", "1")
    assert metadata["file_path"].endswith("docs/wheels.txt")
    shown = first.node.get_content(MetadataMode.LLM)
    assert "page_label: 1" in shown
    assert "regions" not in shown
    assert first.node.source_node.node_id == "wheels.txt"


def test_pictures_are_there_for_models_that_see(address):
    (found,) = PagesightRetriever.open(address, k=1, images=True, filters="folder = fruit").retrieve("apples")
    assert isinstance(found.node, ImageNode)
    assert found.node.image_mimetype == "image/jpeg"
    assert base64.b64decode(found.node.image).startswith(b"\xff\xd8")


def test_k_is_checked(address):
    with pytest.raises(ConfigError, match="k must be at least 1"):
        PagesightRetriever.open(address, k=0)
