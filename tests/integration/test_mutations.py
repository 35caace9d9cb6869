"""Damaged variants of good files of every kind: each has an outcome, none harms the run."""

import io
from collections import Counter

import pytest

from benchmarks.mutate import good_files, outcomes, variant
from tests.helpers import make_pdf, text_image
from tests.integration.test_odd_pdfs import annotated, with_attachments
from tests.integration.test_other_formats import epub, mail

N_DEFAULT = 300


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    plain = make_pdf(folder / "plain.pdf", ["quinces and pears", "a second page"])
    annotated(folder / "annotated.pdf")
    with_attachments(folder / "attached.pdf", "see", {"x.pdf": plain.read_bytes()})
    make_pdf(folder / "packed.pdf", ["apples"], deflate=True, garbage=3, use_objstms=1)
    picture = text_image("quinces", (200, 80), 30)
    for kind, ending in (
        ("PNG", "png"),
        ("JPEG", "jpg"),
        ("GIF", "gif"),
        ("BMP", "bmp"),
        ("WEBP", "webp"),
        ("JPEG2000", "jp2"),
    ):
        picture.save(folder / f"picture.{ending}", kind)
    picture.save(folder / "pages.tif", save_all=True, append_images=[picture], compression="tiff_lzw")
    epub(folder / "book.epub", ["first chapter", "second chapter"])
    mail(folder / "mail.eml")
    (folder / "page.html").write_text(
        "<!doctype html><html><body><h1>Harbour</h1><table><tr><td>1</table></body></html>"
    )
    (folder / "drawing.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'
    )
    return good_files([folder])


@pytest.mark.thorough
def test_every_variant_has_an_outcome(sources, tmp_path):
    seen = Counter(what for _, what, _ in outcomes(sources, range(N_DEFAULT), tmp_path, seconds=20, n_processes=1))
    assert seen.total() == N_DEFAULT
    assert seen["read"] > N_DEFAULT / 10  # they are damaged, not destroyed
    assert seen["UnreadableDocument"] > N_DEFAULT / 20
    assert not list(tmp_path.iterdir())


def test_a_variant_is_always_the_same(sources):
    assert [variant(sources, i) for i in range(50)] == [variant(sources, i) for i in range(50)]
    assert len({variant(sources, i)[1] for i in range(50)}) > 45
    assert io.BytesIO(variant(sources, 7)[1]).read()


@pytest.mark.slow
def test_ten_thousand_variants_of_sample_docs_and_every_kind(sources, sample_docs, tmp_path):
    everything = [*sources, *good_files([sample_docs])]
    assert sum(1 for _ in outcomes(everything, range(10_000), tmp_path, seconds=20)) == 10_000
