"""A program written for byaldi, with its import line changed."""

import base64

import numpy as np
import pytest

from pagesight.engine.adapters.byaldi import RAGMultiModalModel
from pagesight.storage.errors import ConfigError, StoreNotFound, UnknownModel
from tests.helpers import make_pdf, text_image


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The index, its root, the documents, and what indexing returned."""
    root = tmp_path_factory.mktemp("byaldi")
    docs = root / "docs"
    # three words a page at least: of fewer it is read from its pixels
    make_pdf(docs / "a.pdf", ["apples and pears", "quinces from the garden"])
    make_pdf(docs / "b.pdf", ["bicycles for everybody"])
    model = RAGMultiModalModel.from_pretrained("hashing", index_root=str(root / ".byaldi"), verbose=0)
    returned = model.index(
        input_path=docs,
        index_name="fruit",
        store_collection_with_index=True,
        metadata=[{"kind": "fruit", "year": 2024}, {"kind": "wheels", "year": 2025}],
        overwrite=False,
        max_image_width=100,
    )
    return root, docs, returned


def reopened(root):
    return RAGMultiModalModel.from_index("fruit", index_root=str(root / ".byaldi"), verbose=0)


def test_documents_are_numbered_in_order(made):
    _, docs, returned = made
    assert returned == {0: str(docs / "a.pdf"), 1: str(docs / "b.pdf")}


@pytest.mark.thorough
def test_results_are_those_of_byaldi(made):
    root, _, returned = made
    model = reopened(root)
    first, *others = model.search("quinces", k=10)
    assert (first.doc_id, first.page_num, first["page_num"]) == (0, 2, 2)
    assert first.metadata == {"kind": "fruit", "year": 2024}
    assert base64.b64decode(first.base64).startswith(b"\x89PNG")
    assert first.dict().keys() == {"doc_id", "page_num", "score", "metadata", "base64"}
    assert len(others) == 2, "as many pages as there are"
    several = model.search(["quinces", "bicycles"], k=1, return_base64_results=False)
    assert [[(found.doc_id, found.base64) for found in results] for results in several] == [[(0, None)], [(1, None)]]
    assert model.get_doc_ids_to_file_names() == returned


@pytest.mark.parametrize(
    ("wanted", "found"),
    [({"kind": "wheels"}, {1}), ({"kind": "fruit", "year": 2025}, {0, 1}), ({"year": "2025"}, set())],
)
def test_metadata_filter_by_one_equal_value(made, wanted, found):
    root, *_ = made
    results = reopened(root).search("quinces", filter_metadata=wanted, return_base64_results=False)
    assert {result.doc_id for result in results} == found


@pytest.mark.slow
def test_more_is_added_under_new_numbers(made, tmp_path):
    _, docs, _ = made
    model = RAGMultiModalModel.from_pretrained("hashing", index_root=str(tmp_path), device="cpu", verbose=0)
    model.index(docs / "a.pdf", "more", doc_ids=[7])
    assert model.add_to_index(docs / "b.pdf", False, metadata={"x": 1}) == {
        7: str(docs / "a.pdf"),
        8: str(docs / "b.pdf"),
    }
    assert model.add_to_index(docs / "b.pdf", False).keys() == {7, 8}, "nothing new"
    assert model.add_to_index(text_image("turnips"), False, doc_id=3).keys() == {3, 7, 8}
    model.remove_from_index(7)
    assert model.get_doc_ids_to_file_names().keys() == {3, 8}
    assert model.search("bicycles", k=1)[0].metadata == {"x": 1}
    with pytest.raises(ValueError, match="no document 7"):
        model.remove_from_index(7)
    with pytest.raises(ValueError, match="no other document has"):
        model.add_to_index(make_pdf(tmp_path / "c.pdf", ["plums"]), False, doc_id=8)


@pytest.mark.thorough
def test_files_of_one_name_in_two_folders_are_two_documents(tmp_path):
    make_pdf(tmp_path / "d1" / "report.pdf", ["apples and oranges"])
    make_pdf(tmp_path / "d2" / "report.pdf", ["zebras at the crossing"])
    model = RAGMultiModalModel.from_pretrained("hashing", index_root=str(tmp_path / ".byaldi"), verbose=0)
    model.index(tmp_path / "d1", "animals", metadata=[{"of": "d1"}])
    model.add_to_index(tmp_path / "d2", False, metadata=[{"of": "d2"}])
    for query, doc_id, folder in (("apples oranges", 0, "d1"), ("zebras crossing", 1, "d2")):
        (found,) = model.search(query, k=1)
        assert (found.doc_id, found.metadata) == (doc_id, {"of": folder})


def test_what_byaldi_refuses(made, tmp_path):
    root, docs, _ = made
    model = RAGMultiModalModel.from_pretrained("hashing", index_root=str(root / ".byaldi"), verbose=0)
    with pytest.raises(ConfigError, match="no index yet"):
        model.search("x")
    with pytest.raises(ValueError, match="index_name must be given"):
        model.index(docs)
    with pytest.raises(ValueError, match="already"):
        model.index(docs, "fruit")
    with pytest.raises(ValueError, match="metadata has 1 items for 2 files"):
        model.index(docs, "other", metadata=[{}])
    assert reopened(root).search("quinces", k=1)
    with pytest.raises(StoreNotFound):
        RAGMultiModalModel.from_index("nothing", index_root=str(tmp_path))
    with pytest.raises(UnknownModel):
        RAGMultiModalModel.from_pretrained("who/knows").encode_query("x")


@pytest.mark.slow
def test_an_index_is_made_anew_only_by_the_word(made, tmp_path):
    _, docs, _ = made
    model = RAGMultiModalModel.from_pretrained("hashing", index_root=str(tmp_path), verbose=0)
    model.index(docs, "again")
    assert model.index(docs / "b.pdf", "again", overwrite=True) == {0: str(docs / "b.pdf")}


def test_vectors_of_a_query(made):
    root, *_ = made
    (tokens,) = reopened(root).encode_query("apples and pears")
    assert np.asarray(tokens).shape == (3, 16)


@pytest.mark.thorough
def test_an_index_that_others_made_and_one_on_a_server(address):
    model = RAGMultiModalModel.from_index(address)
    (found,) = model.search("bicycle", k=1, return_base64_results=True)
    assert (found.doc_id, found.page_num, found.metadata) == (2, 1, {})
    assert found.base64
