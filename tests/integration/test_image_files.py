"""Images as people have them: cut off, of any format, with more in the file than the picture, turned."""

import io
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, TiffImagePlugin

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import EXTENSIONS
from pagesight.indexer.reading.image_file import CUT_OFF
from pagesight.indexer.reading.layout import TextLine, reading_order
from pagesight.indexer.reading.ocr import skew_deg
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.storage.errors import UnreadableDocument
from tests.helpers import text_image

SEEING = ReadOptions(ocr="off", image_pixels=10_000_000)
SIZE = (300, 200)


def noise(seed=0, size=SIZE):
    values = np.random.default_rng(seed).integers(0, 255, (size[1] // 10, size[0] // 10, 3), np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


def saved(image, kind, **more):
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def oriented(value):
    """What a camera or a scanner says about which way is up, from 1 to 8."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    return exif


def read(path, number=1):
    document = open_document(path, SEEING)
    try:
        return document.info, read_page(document, number, SEEING)
    finally:
        document.close()


def described_first(tiff):
    """The same TIFF with its description (IFD) before its pixels, as scanners write it."""
    at = int.from_bytes(tiff[4:8], "little")
    n = int.from_bytes(tiff[at : at + 2], "little")
    start = 8 + 2 + 12 * n + 4
    tags = {}
    for i in range(n):
        tag, kind, count, value = struct.unpack("<HHI4s", tiff[at + 2 + 12 * i : at + 14 + 12 * i])
        n_bytes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[kind] * count
        where = int.from_bytes(value, "little")
        tags[tag] = (kind, count, value[:n_bytes] if n_bytes <= 4 else tiff[where : where + n_bytes])

    def numbers(tag):
        kind, count, data = tags[tag]
        return struct.unpack(f"<{count}{'H' if kind == 3 else 'I'}", data)

    strips = [tiff[o : o + c] for o, c in zip(numbers(273), numbers(279), strict=True)]
    room = start + sum(len(data) + len(data) % 2 for _, _, data in tags.values()) + 4 * len(strips)
    places = [room + sum(map(len, strips[:i])) for i in range(len(strips))]
    tags[273] = (4, len(strips), struct.pack(f"<{len(strips)}I", *places))
    entries, extra = b"", b""
    for tag, (kind, count, data) in tags.items():
        value = data.ljust(4, b"\x00")
        if len(data) > 4:
            value = struct.pack("<I", start + len(extra))
            extra += data + b"\x00" * (len(data) % 2)
        entries += struct.pack("<HHI4s", tag, kind, count, value)
    head = struct.pack("<2sHIH", b"II", 42, 8, n) + entries + b"\x00" * 4 + extra
    return head.ljust(room, b"\x00") + b"".join(strips)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.png", saved(noise(), "PNG")),
        ("cut.jpg", saved(noise(), "JPEG", quality=95)),
        ("cut.tif", described_first(saved(noise(), "TIFF", strip_size=1 << 30))),
        ("cut.bmp", saved(noise().transpose(Image.Transpose.FLIP_TOP_BOTTOM), "BMP")),  # stored from the bottom up
        ("cut.gif", saved(noise().quantize(), "GIF", interlace=0)),
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_of_a_cut_file_what_is_there_is_read(tmp_path, name, data, share):
    whole, cut = tmp_path / f"whole-{name}", tmp_path / name
    whole.write_bytes(data)
    cut.write_bytes(data[: round(share * len(data))])
    expected = read(whole)[1].image
    info, page = read(cut)
    there = slice(None, round((share - 0.15) * SIZE[1]))
    if name == "cut.bmp":
        there = slice(-there.stop, None)
    assert info.n_pages == 1
    assert page.note == CUT_OFF
    assert read(whole)[1].note == ""
    assert page.image.shape == expected.shape
    assert np.abs(page.image[there].astype(int) - expected[there]).mean() < 2


@pytest.mark.parametrize(("orientation", "there"), [(1, np.s_[:100]), (6, np.s_[:, -100:])])
def test_a_compressed_tiff_is_read_as_far_as_its_strips_go(tmp_path, orientation, there):
    """In strips of a few rows each, of which the last ones are beyond the end of the file."""
    how = {"compression": "tiff_lzw", "strip_size": 3 * SIZE[0] * 8, "exif": oriented(orientation)}
    data = described_first(saved(noise(), "TIFF", **how))
    (tmp_path / "a.tif").write_bytes(data[: len(data) * 2 // 3])
    (tmp_path / "whole.tif").write_bytes(data)
    page, whole = read(tmp_path / "a.tif")[1], read(tmp_path / "whole.tif")[1]
    assert page.note == CUT_OFF
    assert np.abs(page.image[there].astype(int) - whole.image[there]).mean() < 2


@pytest.mark.parametrize(
    ("name", "data", "n_bytes", "match"),
    [
        ("a.png", saved(noise(), "PNG"), 60, "truncated|cut off"),
        ("a.webp", saved(noise(), "WEBP"), 3000, "the image file is cut off, and what is missing"),
        ("a.tif", saved(noise(), "TIFF", compression="tiff_lzw"), 3000, "the image file is cut off, and what is miss"),
        ("a.png", saved(noise(), "PNG"), 20, "damaged image"),
    ],
)
def test_where_nothing_is_left_the_message_is_true(tmp_path, name, data, n_bytes, match):
    (tmp_path / name).write_bytes(data[:n_bytes])
    with pytest.raises(UnreadableDocument, match=match):
        read(tmp_path / name)


def test_good_pages_of_a_cut_tiff_are_kept(tmp_path):
    pages = [noise(seed) for seed in range(3)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    (tmp_path / "a.tif").write_bytes(data[: len(data) - SIZE[0] * SIZE[1]])
    document = open_document(tmp_path / "a.tif", SEEING)
    for number in (1, 2):
        page = read_page(document, number, SEEING)
        assert np.array_equal(page.image, np.asarray(pages[number - 1]))
        assert page.note == ""
    assert document.info.n_pages in (2, 3)
    document.close()


@pytest.mark.parametrize(
    ("name", "kind", "tolerance"),
    [
        ("a.gif", "GIF", 16),
        ("a.bmp", "BMP", 0),
        ("a.jp2", "JPEG2000", 12),
        ("a.avif", "AVIF", 12),
        ("a.jfif", "JPEG", 12),
        ("a.ppm", "PPM", 0),
        ("a.pcx", "PCX", 0),
        ("a.qoi", "QOI", 0),
    ],
)
def test_formats_are_known_by_content_and_by_ending(tmp_path, name, kind, tolerance):
    image = noise()
    for path in (tmp_path / name, tmp_path / "misnamed.png"):
        path.write_bytes(saved(image, kind))
        info, page = read(path)
        assert (info.kind, info.n_pages) == ("image", 1)
        assert np.abs(page.image.astype(int) - np.asarray(image)).mean() <= tolerance
    assert (tmp_path / name).suffix in EXTENSIONS


def test_heic_is_read_where_its_package_is_and_said_where_not(tmp_path, monkeypatch):
    heif = pytest.importorskip("pi_heif")
    path = tmp_path / "a.heic"
    path.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 100)
    with pytest.raises(UnreadableDocument, match="damaged image"):
        read(path)
    assert heif is not None
    for name in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(UnreadableDocument, match="pi-heif, which is not installed"):
        read(path)


def test_what_follows_the_picture_is_no_page(tmp_path):
    first, second = noise(1), noise(2, (100, 60))
    (tmp_path / "phone.jpg").write_bytes(saved(first, "MPO", save_all=True, append_images=[second]))
    (tmp_path / "moving.gif").write_bytes(saved(first, "GIF", save_all=True, append_images=[noise(3)], duration=50))
    for path in sorted(tmp_path.iterdir()):
        info, page = read(path)
        assert info.n_pages == 1, path
        assert np.abs(page.image.astype(int) - np.asarray(first)).mean() < 16, path


@pytest.mark.parametrize("kind", ["TIFF", "JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 7, 8])
def test_a_page_on_its_side_is_measured_as_it_is_drawn(tmp_path, kind, orientation):
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(saved(Image.new("RGB", (60, 30)), kind, exif=oriented(orientation)))
    size = (30, 60) if orientation >= 5 else (60, 30)
    document = open_document(path, SEEING)
    for _ in ("before", "after"):
        assert document.render_size(1, max_pixels=10_000, max_dpi=200) == size
        assert document.drawn(1).aspect == size[0] / size[1]
        page = read_page(document, 1, SEEING)
        assert (page.image.shape[1], page.image.shape[0]) == size
        assert page.width_pt / page.height_pt == pytest.approx(size[0] / size[1])
    document.close()


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf, -3.4028235e38, -9999.0, 0.1])
@pytest.mark.parametrize("n_rows", [1, 9, 10])
def test_where_nothing_was_measured_a_page_is_white(tmp_path, nothing, n_rows):
    values = np.tile(np.linspace(0.2, 0.8, 256, dtype=np.float32), (10, 1))
    values[:n_rows] = nothing
    (tmp_path / "a.tif").write_bytes(saved(Image.fromarray(values), "TIFF", tiffinfo={42113: str(nothing)}))
    image = read(tmp_path / "a.tif")[1].image
    assert (image[:n_rows] == 255).all()
    assert np.abs(image[n_rows:, :, 0].astype(int) - np.arange(256)).max(initial=0) <= 1


@pytest.mark.parametrize("nothing", [2**31 - 1, -(2**31), -9999])
def test_the_number_for_nothing_may_be_any_whole_one(tmp_path, nothing):
    values = np.array([[1, 2, 3, nothing]], np.int32)
    (tmp_path / "a.tif").write_bytes(saved(Image.fromarray(values), "TIFF", tiffinfo={42113: str(nothing)}))
    assert read(tmp_path / "a.tif")[1].image[0, :, 0].tolist() == [0, 127, 255, 255]


@pytest.mark.parametrize(("kind", "said"), [(1, b"-9999\0"), (7, b"-9999\0"), (3, 5), (2, "none")])
def test_what_is_no_number_in_text_stands_for_nothing_at_all(tmp_path, kind, said):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[42113], tags[42113] = kind, said
    values = np.array([[1, 2, 3]], np.int32)
    (tmp_path / "a.tif").write_bytes(saved(Image.fromarray(values), "TIFF", tiffinfo=tags))
    assert read(tmp_path / "a.tif")[1].image[0, :, 0].tolist() == [0, 127, 255]


def test_the_letters_of_a_nearly_white_page_of_16_bits_are_black(tmp_path):
    values = np.full((100, 100), 60_000, np.uint16)
    values[50, 50] = 2_000
    (tmp_path / "a.tif").write_bytes(saved(Image.fromarray(values), "TIFF"))
    image = read(tmp_path / "a.tif")[1].image
    assert (image[50, 50].max(), np.median(image)) == (0, 255)


def test_smaller_copies_in_a_tiff_are_no_pages(tmp_path):
    buffer = io.BytesIO()
    pages = [noise(1), noise(1, (60, 40)), noise(2), noise(2, (60, 40))]
    for page, kind in zip(pages, (2, 1, 2, 1), strict=True):
        page.encoderinfo = {"tiffinfo": {254: kind}}
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], tiffinfo={254: 2})
    (tmp_path / "a.tif").write_bytes(buffer.getvalue())
    info, second = read(tmp_path / "a.tif", 2)
    assert info.n_pages == 2
    assert np.array_equal(second.image, np.asarray(pages[2]))


# Turned pages


def turned(quad, degrees):
    a = math.radians(degrees)
    return np.asarray(quad, float) @ np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])


LINES = ["Delivery note", "Goods: twelve valves", "To be unloaded at gate seven", "Signed"]


@settings(deadline=None)
@given(st.floats(-180, 180))
def test_lines_are_in_reading_order_at_every_angle(degrees):
    quads = [
        [(50, y), (50 + 9 * len(t), y), (50 + 9 * len(t), y + 14), (50, y + 14)]
        for t, y in zip(LINES, range(20, 100, 20), strict=True)
    ]
    lines = [TextLine(text, turned(quad, degrees), 1.0) for text, quad in zip(LINES, quads, strict=True)]
    assert [line.text for line in reading_order(lines[::-1])] == LINES


@settings(deadline=None)
@given(st.floats(-44, 44), st.sampled_from([0, 90, 180, 270]))
def test_skew_is_measured(degrees, turn):
    quads = np.array(
        [turned([(0, y), (200, y), (200, y + 12), (0, y + 12)], degrees + turn) for y in range(0, 100, 20)]
    )
    assert abs(skew_deg(quads) - degrees) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [20, 90, 135, 180, 200, 270, 320])
def test_turned_scans_are_read_in_order(degrees):
    from pagesight.indexer.reading.ocr import ocr_engine

    text = "Delivery note of the copper works\nGoods: twelve valves and a wheel\nTo be unloaded at gate seven"
    image = text_image(text, (1000, 400), 40).rotate(degrees, expand=True, fillcolor="white", resample=Image.BICUBIC)
    lines = reading_order(ocr_engine("auto").read(np.asarray(image), np.empty((0, 4))))
    assert [line.text[:5].lower() for line in lines] == ["deliv", "goods", "to be"]
