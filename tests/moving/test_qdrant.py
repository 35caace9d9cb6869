"""An index is copied into Qdrant and out again as it was. On Qdrant Edge and the client's local mode."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight import copy_index
from pagesight.engine.config import SearchConfig
from pagesight.engine.retrieval import Question, search
from pagesight.storage import errors
from pagesight.storage.moving.ends import create_end, open_end
from pagesight.storage.packed import pack_page
from pagesight.storage.qdrant.store import QdrantStore
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo, EncodedPage
from pagesight.storage.vectors.codecs import Int8Codec
from tests.helpers import HASHING, ROOT, add_document, new_page, source_file, space
from tests.moving.test_copy import apply, changes
from tests.moving.told import history, told

pytest.importorskip("qdrant_client", reason="needs the extra [qdrant]")
pytest.importorskip("qdrant_edge", reason="needs the extra [qdrant]")


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "index", space()) as made:
        with made.writer() as writer:
            history(writer, add_document, source_file)
        yield made


@pytest.fixture(params=["edge", pytest.param("memory", marks=pytest.mark.slow)])
def address(request, tmp_path):
    return (
        f"qdrant://{tmp_path}/edge?cache={tmp_path}/cache"
        if request.param == "edge"
        else f"qdrant://:memory:/{tmp_path.name}"
    )


def told_of(folder):
    with Store(folder) as store, store.view() as view:
        return told(view)


@pytest.mark.thorough
def test_an_index_comes_out_as_it_went_in(store, tmp_path, address):
    done = copy_index(tmp_path / "index", address)
    assert (done.n_documents, done.n_pages, done.refused) == (3, 6, ())
    assert copy_index(tmp_path / "index", address).n_there == 3
    copy_index(address, tmp_path / "copy")
    with store.view() as view:
        assert told_of(tmp_path / "copy") == told(view)


def check_histories(rounds, codec, folder, address):
    files = {}
    with Store.create(folder / "index", space(codec)) as store:
        for part in rounds:
            with store.writer() as writer:
                apply(writer, part, files)
            copy_index(folder / "index", address, delete=True)
            copy_index(address, folder / "copy", delete=True)
            with store.view() as view:
                assert told_of(folder / "copy") == told(view)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["edge", "memory"])
@settings(max_examples=8, deadline=None)
@given(st.lists(changes, min_size=2, max_size=3), st.sampled_from(["int8", "int4", "float16"]))
def test_it_follows_what_happens_to_the_index(tmp_path_factory, kind, rounds, codec):
    folder = tmp_path_factory.mktemp("qdrant")
    check_histories(
        rounds,
        codec,
        folder,
        f"qdrant://{folder}/edge?cache={folder}/cache" if kind == "edge" else f"qdrant://:memory:/{folder.name}",
    )


@pytest.mark.slow
def test_names_tags_and_failures_are_followed(tmp_path, address):
    check_histories(
        [
            [("add", "x.pdf", ["red", "", "green"]), ("add", "a/y.pdf", ["black"]), ("name", "x.pdf", "b/x.pdf")],
            [
                ("tag", "x.pdf", "dark"),
                ("fail", "a/y.pdf", True),
                ("fail", "x.pdf", False),
                ("remove", "b/x.pdf", None),
            ],
            [("add", "a/y.pdf", ["white"]), ("add", "x.pdf", ["white"])],
        ],
        "int8",
        tmp_path,
        address,
    )


@pytest.mark.thorough
def test_qdrant_finds_what_we_find(tmp_path, address):
    words = "red green blue white black grey apple pear fig plum".split()
    rng = np.random.default_rng(7)
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        for i in range(12):
            texts = [" ".join(rng.choice(words, 1 + int(rng.integers(12)))) for _ in range(4)]
            add_document(writer, f"{i % 3}/{i}.pdf", texts, kind="image" if i % 2 else "pdf")
    copy_index(tmp_path / "index", address)
    qdrant = open_end(address)
    with Store(tmp_path / "index") as store, store.view() as view:
        for text in ("red fig", "black pear plum", "grey"):
            (encoded,) = HASHING.encode_queries([text])
            for filters, match in ((None, {}), ("kind = pdf", {"kind": "pdf"}), ("folder = '1'", {"folder": "1"})):
                question = Question(encoded=encoded, filters=filters)
                ours = search(question, view, SearchConfig(k=48, exact=True))
                known = view.describe(np.array([page.page_id for page in ours]))
                scores = {(known[p.page_id].sha256, known[p.page_id].number): p.score for p in ours}
                near = 0.001 * np.linalg.norm(encoded.tokens, axis=1).sum()
                for options in ({"exact": True}, {"n_single": 1000, "n_means": 1000}):
                    found = qdrant.search(encoded.single, encoded.tokens, 48, match=match, **options)
                    assert {(page.sha256, page.page) for page in found} == scores.keys()
                    for page in found:
                        assert abs(page.score - scores[page.sha256, page.page]) < near
                    assert [page.score for page in found] == sorted((page.score for page in found), reverse=True)
                few = qdrant.search(encoded.single, encoded.tokens, 3, match=match, n_single=20, n_means=10)
                assert len(few) == 3
                assert few[0].documents[0].endswith(".pdf")
    qdrant.close()


def test_a_page_that_is_too_large_is_named_and_the_others_are_copied(tmp_path):
    small = space()
    n = (1 << 20) // small.token_dim
    tokens = np.tile(new_page(1, "red").encoded.tokens, (n, 1))
    large = replace(
        new_page(1, "red"),
        encoded=EncodedPage(np.zeros(small.single_dim, np.float32), tokens, np.zeros((n, 4), np.float32)),
    )
    page = replace(pack_page(new_page(1, "red"), small, Int8Codec(small.token_dim)))
    with Store.create(tmp_path / "index", small) as store, store.writer() as writer:
        add_document(writer, "small.pdf", ["green"])
        with writer.draft() as draft:
            draft.add_packed(page)
            draft.add_page(replace(large, number=2))
            draft.commit(DocumentInfo(sha256="b", media_type="application/pdf", n_pages=2), source_file("large.pdf"))
    done = copy_index(tmp_path / "index", f"qdrant://:memory:/{tmp_path.name}")
    assert done.n_documents == 1
    ((name, why),) = done.refused
    assert name == "large.pdf"
    assert "page 2 has 65,536 token vectors of 16 dimensions, and Qdrant takes fewer than 1,048,576 values" in why


KILLED = """
import sys
from pagesight import copy_index
copy_index(sys.argv[1], sys.argv[2], on_document=lambda done: print(done.document, flush=True))
"""


@pytest.mark.slow
def test_killed_again_and_again(tmp_path):
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        for i in range(30):
            add_document(writer, f"{i}.pdf", [f"words {j} of {i} green white" for j in range(1 + i % 4)])
    address = f"qdrant://{tmp_path}/edge?cache={tmp_path}/cache"
    for after in (1, 5, 9):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "index"), address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
            for _ in range(after):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
    done = copy_index(tmp_path / "index", address)
    assert (done.n_documents + done.n_there, done.refused) == (30, ())
    assert done.n_there >= 9
    copy_index(address, tmp_path / "copy")
    with Store(tmp_path / "index") as store, store.view() as view:
        assert told_of(tmp_path / "copy") == told(view)


def test_another_model_is_refused(tmp_path):
    with QdrantStore.create(f"qdrant://:memory:/{tmp_path.name}", space()), pytest.raises(errors.ModelMismatch):
        create_end(f"qdrant://:memory:/{tmp_path.name}", replace(space(), fingerprint="another"))
