"""A word's box is where its ink is, however the page is turned, cropped, scaled and shifted."""

import numpy as np
import pymupdf
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading.page import open_document

WIDTH, HEIGHT = 595, 842
LINE_PT = 24.0  # of a line of 40 points, above letters without ascenders
coordinate = st.integers(-300, 300)


@st.composite
def crops(draw):
    """A part of the page with at least the middle in it, where the word is, or None."""
    if draw(st.booleans()):
        return None
    return (
        draw(st.integers(0, 120)),
        draw(st.integers(0, 300)),
        draw(st.integers(420, WIDTH)),
        draw(st.integers(560, HEIGHT)),
    )


@settings(max_examples=40, deadline=None)
@given(
    rotation=st.sampled_from([0, 90, 180, 270, -90, 450]),
    unit=st.sampled_from([None, 0.25, 1, 2, 2.5, 7]),
    crop=crops(),
    offset=st.tuples(coordinate, coordinate),
    picture=st.booleans(),
)
def test_a_word_is_marked_where_it_is_drawn(tmp_path_factory, rotation, unit, crop, offset, picture):
    path = tmp_path_factory.getbasetemp() / "turned.pdf"
    write(path, rotation, unit, crop, offset, picture=picture)
    document = open_document(path, ReadOptions(ocr="off"))
    try:
        image = document.render(1, max_pixels=300_000, max_dpi=72)
        boxes = [found.area for found in document.pictures(1)] if picture else document.words(1).boxes
        width_pt, height_pt = document.size_pt(1)
    finally:
        document.close()
    (box,) = boxes
    rows, columns = np.nonzero(image.min(axis=2) < 128)
    height_px, width_px = image.shape[:2]
    sides = (
        columns.min() / width_px,
        rows.min() / height_px,
        (columns.max() + 1) / width_px,
        (rows.max() + 1) / height_px,
    )
    shown = (WIDTH, HEIGHT) if crop is None else (crop[2] - crop[0], crop[3] - crop[1])
    turned = rotation // 90 % 2
    beyond = (np.array(sides) - box) * (1, 1, -1, -1)  # how far the box reaches beyond the ink
    pixel = np.tile([1 / width_px, 1 / height_px], 2)
    above = LINE_PT / np.tile([shown[turned], shown[1 - turned]], 2)  # lines are higher than letters
    assert (beyond > -0.02).all(), (box, sides)
    assert (beyond < above + 2 * pixel).all(), (box, sides)
    np.testing.assert_allclose(width_pt / height_pt, shown[turned] / shown[1 - turned], rtol=1e-3)


def write(path, rotation, unit, crop, offset, *, picture):
    document = pymupdf.open()
    page = document.new_page(width=WIDTH, height=HEIGHT)
    if picture:
        black = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 8, 8))
        black.set_rect(black.irect, (0, 0, 0))
        page.insert_image(pymupdf.Rect(150, 320, 400, 480), pixmap=black, keep_proportion=False)
    else:
        page.insert_text((150, 400), "zirconium", fontsize=40)
    for stream in page.get_contents():
        drawn = document.xref_stream(stream)
        document.update_stream(stream, f"q 1 0 0 1 {offset[0]} {offset[1]} cm ".encode() + drawn + b" Q")
    x, y = offset
    document.xref_set_key(page.xref, "MediaBox", f"[{x} {y} {WIDTH + x} {HEIGHT + y}]")
    if crop:
        document.xref_set_key(page.xref, "CropBox", f"[{crop[0] + x} {crop[1] + y} {crop[2] + x} {crop[3] + y}]")
    document.xref_set_key(page.xref, "Rotate", str(rotation))
    if unit:
        document.xref_set_key(page.xref, "UserUnit", str(unit))
    document.save(path)
    document.close()
