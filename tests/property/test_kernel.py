"""Every MaxSim kernel is the definition, whatever the pages look like and wherever they lie."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.engine.maxsim import token_maxima
from pagesight.engine.retrieval import quick_error
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.scoring import kernel
from pagesight.storage.scoring.kernel import KERNELS
from pagesight.storage.scoring.layout import CodeLayout, Records
from pagesight.storage.vectors.codecs import Int8Codec, PackedCodec
from tests.helpers import ROOT

shapes = st.fixed_dictionaries(
    {
        "dim": st.sampled_from([1, 3, 4, 16, 20, 64, 100, 128, 384, 700]),
        "counts": st.lists(st.integers(1, 70), min_size=1, max_size=5),
        "n_query": st.integers(1, 128),
        "seed": st.integers(0, 2**32 - 1),
        "extreme": st.booleans(),
        "offset": st.integers(0, 3),
    }
)


def make(dim, counts, n_query, seed, extreme, offset):
    """Pages of random codes, also of the largest ones there are, at odd places of a buffer; a query; the right maxima."""
    rng = np.random.default_rng(seed)
    layout = CodeLayout(dim)
    pages, starts, data = [], [], bytearray(offset)
    for count in counts:
        codes = rng.choice([-128, 127, 0], (count, dim)) if extreme else rng.integers(-127, 128, (count, dim))
        scales = rng.random(count, np.float32) * np.float32(10 if extreme else 0.01)
        starts.append(len(data))
        data += scales.tobytes() + codes.astype(np.int8).tobytes() + bytes(offset)
        pages.append(codes.astype(np.float32) * scales[:, None])
    query = rng.standard_normal((n_query, dim)).astype(np.float32)
    if extreme:
        query = np.sign(query) * np.float32(1e3)
        query[0] = 0
    expected = token_maxima(query.astype(np.float64), MultiVectors.from_pages(pages))
    length = np.abs(query).sum(axis=1).max() * max(np.abs(page).max() for page in pages)
    return query, Records(data, np.array(starts), np.array(counts)), layout, expected, length


@pytest.mark.parametrize("name", KERNELS)
@given(shape=shapes)
@settings(max_examples=40, deadline=None)
def test_every_kernel_is_the_definition(name, shape):
    query, records, layout, expected, length = make(**shape)
    found = kernel.maxima(query, records, layout, kernel=name)
    np.testing.assert_allclose(found, expected, atol=4e-5 * length + 1e-6)  # 15 bits of the query, and float32


def lost_by_rounding(name, query):
    """What rounding takes from each row of a query: (n_query_tokens,), sums over its components. By the kernel's definition."""
    codes, scales = kernel._rounded(query)
    sizes = np.abs(codes.astype(np.float64))
    largest = np.maximum(sizes.max(axis=1), 1)
    levels = np.full(len(codes), 127.0)
    if name == "avx2":  # 63, or fewer: no 8 that it adds in 16 bits may have more than 251
        fours = np.pad(sizes, ((0, 0), (0, -sizes.shape[1] % 16))).reshape(len(codes), -1, 4, 2, 2)
        levels = np.minimum(63, largest * 251 // np.maximum(fours.sum(axis=(2, 4)).max(axis=(1, 2)), 1))
    unit = (largest / levels)[:, None]
    return np.abs(codes - np.rint(codes / unit) * unit).sum(axis=1) * scales


@pytest.mark.parametrize("name", KERNELS)
@given(shape=shapes)
@settings(max_examples=15, deadline=None)
def test_a_query_in_8_bits_is_as_close_as_its_rounding(name, shape):
    query, records, layout, expected, length = make(**shape)
    found = kernel.maxima(query, records, layout, precise=False, kernel=name)
    largest = length / max(np.abs(query).sum(axis=1).max(), 1e-9)
    lost = lost_by_rounding(name, query) if name not in ("plain", "numpy") else np.zeros(len(query))
    assert (np.abs(found - expected) <= (lost * largest + 4e-5 * length + 1e-6)[:, None]).all()


@pytest.mark.thorough
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("codec_name", ["int4", "int2"])
@given(shape=shapes)
@settings(max_examples=15, deadline=None)
def test_packed_codes_score_as_what_they_decode_to(name, codec_name, shape):
    dim = shape["dim"] * 4
    codec = codec_named(codec_name, dim)
    rng = np.random.default_rng(shape["seed"])
    pages = [rng.standard_normal((count, dim)).astype(np.float32) for count in shape["counts"]]
    query = rng.standard_normal((shape["n_query"], dim)).astype(np.float32)
    encoded = [codec.encode(page) for page in pages]
    starts = np.cumsum([0, *map(len, encoded)])[:-1]
    records = Records(b"".join(encoded), starts, np.array(shape["counts"]))
    decoded = [codec.decode(data, len(page)) for data, page in zip(encoded, pages, strict=True)]
    assert isinstance(codec, PackedCodec)
    rotated = query @ codec._rotation.T
    found = kernel.maxima(rotated, records, codec._layout, kernel=name)
    expected = token_maxima(query, MultiVectors.from_pages(decoded))
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.sqrt(dim))


@pytest.mark.parametrize("name", KERNELS)
@given(shape=shapes)
@settings(max_examples=20, deadline=None)
def test_products_and_lengths_are_the_definition(name, shape):
    query, records, layout, _, length = make(**shape)
    for start, count in zip(records.starts.tolist(), records.counts.tolist(), strict=True):
        page = memoryview(records.data)[start:]
        tokens = layout.values(page, count).astype(np.float64) * layout.scales(page, count)[:, None]
        products, lengths = kernel.products(query, page, count, layout, kernel=name)
        assert products.shape == (len(query), count)
        np.testing.assert_allclose(products, query.astype(np.float64) @ tokens.T, atol=4e-5 * length + 1e-6)
        np.testing.assert_allclose(lengths, np.linalg.norm(tokens, axis=1), rtol=1e-5)


@pytest.mark.skipif(len(KERNELS) < 3, reason="there is one kernel, and numpy")
@given(shape=shapes)
@settings(max_examples=10, deadline=None)
def test_products_are_the_same_by_every_kernel(shape):
    query, records, layout, _, _ = make(**shape)
    page, count = memoryview(records.data)[int(records.starts[0]) :], int(records.counts[0])
    (first, lengths), *others = (kernel.products(query, page, count, layout, kernel=name) for name in KERNELS[:-1])
    for products, other_lengths in others:
        np.testing.assert_array_equal(products, first)
        np.testing.assert_array_equal(other_lengths, lengths)


@pytest.mark.parametrize("codec_name", ["int8", "int4", "int2", "float16"])
def test_codecs_multiply_as_what_they_decode_to(codec_name):
    rng = np.random.default_rng(5)
    codec, query = codec_named(codec_name, 128), rng.standard_normal((9, 128)).astype(np.float32)
    for count in (1, 33, 700):
        page = codec.encode(rng.standard_normal((count, 128)).astype(np.float32))
        tokens = codec.decode(page, count)
        products, lengths = codec.products(query, page, count)
        np.testing.assert_allclose(products, query @ tokens.T, atol=2e-3)
        np.testing.assert_allclose(lengths, np.linalg.norm(tokens, axis=1), rtol=1e-4)


@pytest.mark.parametrize(("name", "loss"), [("int8", 2e-4), ("int4", 0.02), ("int2", 0.15), ("float16", 1e-6)])
@given(seed=st.integers(0, 1000), dim=st.sampled_from([16, 128, 384]))
@settings(max_examples=20, deadline=None)
def test_codecs_lose_what_they_are_said_to(name, loss, seed, dim):
    """Mean squared error of unit vectors; the packed ones also of vectors with one large component."""
    rng = np.random.default_rng(seed)
    tokens = rng.standard_normal((200, dim)).astype(np.float32)
    tokens[:, 0] += 3
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    codec = codec_named(name, dim)
    decoded = codec.decode(codec.encode(tokens), len(tokens))
    assert np.square(tokens - decoded).sum(axis=1).mean() < loss


def test_a_query_of_another_width_is_refused():
    records = Records(Int8Codec(8).encode(np.ones((1, 8), np.float32)), np.array([0]), np.array([1]))
    with pytest.raises(DimensionMismatch, match="query tokens must have 8 dimensions, got 7"):
        kernel.maxima(np.ones((1, 7), np.float32), records, CodeLayout(8))
    with pytest.raises(DimensionMismatch, match="query tokens must have 8 dimensions, got 7"):
        kernel.products(np.ones((1, 7), np.float32), bytes(records.data), 1, CodeLayout(8))


@pytest.mark.parametrize(("start", "count"), [(0, 2), (-1, 1), (1, 1), (0, 0)])
def test_nothing_is_read_outside_the_buffer(start, count):
    records = Records(Int8Codec(8).encode(np.ones((1, 8), np.float32)), np.array([start]), np.array([count]))
    with pytest.raises(ValueError, match="do not lie within 12 bytes"):
        kernel.maxima(np.ones((1, 8), np.float32), records, CodeLayout(8))


def test_no_product_is_read_outside_the_page():
    page = Int8Codec(8).encode(np.ones((1, 8), np.float32))
    with pytest.raises(ValueError, match="2 tokens do not lie within 12 bytes"):
        kernel.products(np.ones((1, 8), np.float32), page, 2, CodeLayout(8))


@pytest.mark.parametrize("name", KERNELS)
@given(
    dim=st.sampled_from([4, 16, 128, 384]),
    n_pages=st.integers(1, 100),
    n_slots=st.integers(1, 9),
    n_query=st.integers(0, 40),
    seed=st.integers(0, 9999),
)
@settings(max_examples=25, deadline=None)
def test_a_scan_gives_the_sums_of_the_maxima(name, dim, n_pages, n_slots, n_query, seed):
    """Of any pages of a file, in any order."""
    rng = np.random.default_rng(seed)
    layout, codec = CodeLayout(dim), Int8Codec(dim)
    pages = [codec.encode(rng.standard_normal((n_slots, dim)).astype(np.float32)) for _ in range(n_pages)]
    query = rng.standard_normal((n_query, dim)).astype(np.float32)
    asked = rng.integers(0, n_pages, rng.integers(1, 2 * n_pages + 1))
    rows = np.frombuffer(b"".join(pages), np.uint8).reshape(n_pages, -1)
    records = Records(rows, asked * rows.shape[1], np.full(len(asked), n_slots))
    expected = kernel.maxima(query, records, layout, precise=False, kernel=name).sum(axis=0)
    np.testing.assert_allclose(kernel.scan(query, rows, asked, layout, kernel=name), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("copies", [1, 60])
def test_a_screen_allows_for_what_rounding_the_query_to_few_bits_does(name, copies):
    """Of equal vectors, too, whose errors are the same."""
    rng, dim, n_tokens, n_pages = np.random.default_rng(1), 128, 100, 400
    codec = Int8Codec(dim)
    query = np.tile(_units(rng, 4, dim), (copies, 1))
    data = np.frombuffer(b"".join(codec.encode(_units(rng, n_tokens, dim)) for _ in range(n_pages)), np.uint8)
    records = Records(data, np.arange(n_pages) * codec.n_bytes(n_tokens), np.full(n_pages, n_tokens))
    quick, exact = (
        kernel.maxima(query, records, CodeLayout(dim), precise=precise, kernel=name).sum(axis=0)
        for precise in (False, True)
    )
    assert np.abs(quick - exact).max() <= quick_error(query)
    assert quick_error(query) < 0.03 * exact.mean(), "or everything is scored twice"


def _units(rng, n, dim):
    rows = rng.standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_scan_reads_nothing_outside_the_rows():
    rows = np.zeros((40, Int8Codec(16).n_bytes(1)), np.uint8)
    for page in (-1, 40):
        with pytest.raises((IndexError, ValueError), match=r"are not among 40|do not lie within"):
            kernel.scan(np.ones((1, 16), np.float32), rows, np.array([page] * 40), CodeLayout(16))


@pytest.mark.thorough  # that numpy does it right is tested above
def test_without_the_extensions_numpy_does_the_work(tmp_path):
    code = f"""
        import sys
        for extension in ("storage.scoring._maxsim", "engine.regions._regions"):  # as where no compiler was
            sys.modules["pagesight." + extension] = None
        from pathlib import Path
        from pagesight.engine import SearchEngine
        from pagesight.storage.scoring.kernel import KERNELS
        from tests.helpers import make_pdf
        assert KERNELS == ("numpy",)
        root = Path({str(tmp_path)!r})
        make_pdf(root / "docs" / "a.pdf", ["the heron stands in the reeds", "the lamp is on the desk"])
        with SearchEngine.open(root / "index", model="hashing") as engine:
            list(engine.index([root / "docs"]))
            print([hit.name for hit in engine.search("heron reeds")][0])
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "a.pdf:1", result.stderr


@given(shape=shapes)
@settings(max_examples=20, deadline=None)
def test_scoring_on_a_device_of_torch_is_the_definition(shape):
    pytest.importorskip("torch")
    query, records, layout, expected, length = make(**shape)
    found = kernel.maxima(query, records, layout, kernel="torch:cpu")
    np.testing.assert_allclose(found, expected, atol=4e-5 * length + 1e-6)


@pytest.mark.parametrize("codec_name", ["int8", "int4", "int2", "float16"])
def test_codecs_score_alike_on_a_device_of_torch(codec_name):
    pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    codec = codec_named(codec_name, 128)
    pages = [codec.encode(rng.standard_normal((count, 128)).astype(np.float32)) for count in (1, 33, 700)]
    starts = np.cumsum([0, *map(len, pages)])[:-1]
    records = Records(b"".join(pages), starts, np.array([1, 33, 700]))
    query = rng.standard_normal((20, 128)).astype(np.float32)
    usual = codec.maxima(query, records, precise=True)
    np.testing.assert_allclose(
        codec.maxima(query, records, precise=True, kernel="torch:cpu"), usual, rtol=1e-4, atol=1e-2
    )
