"""Fonts for the sample documents, all taken from pip packages.

FiraGO, Noto Sans, Ubuntu and Cascadia come from pymupdf-fonts, the Chinese
Droid Sans Fallback from PyMuPDF, STIX and DejaVu from matplotlib. Reportlab embeds only
the glyphs a document uses, so the files stay small.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path

import matplotlib
import pymupdf
from fontTools.ttLib import TTFont as RawFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

# family -> regular, bold, italic, bold italic
FAMILIES: dict[str, tuple[str, str, str, str]] = {
    "Fira": ("figo", "figbo", "figit", "figbi"),
    "Noto": ("notos", "notosbo", "notosit", "notosbi"),
    "Ubuntu": ("ubuntu", "ubuntubo", "ubuntuit", "ubuntubi"),
    "Cascadia": ("cascadia", "cascadiab", "cascadiai", "cascadiabi"),
    "China": ("china-s", "china-s", "china-s", "china-s"),
    "Stix": (
        "STIXGeneral.ttf",
        "STIXGeneralBol.ttf",
        "STIXGeneralItalic.ttf",
        "STIXGeneralBolIta.ttf",
    ),
    "DejaVu": (
        "DejaVuSans.ttf",
        "DejaVuSans-Bold.ttf",
        "DejaVuSans-Oblique.ttf",
        "DejaVuSans-BoldOblique.ttf",
    ),
    "Serif": (
        "DejaVuSerif.ttf",
        "DejaVuSerif-Bold.ttf",
        "DejaVuSerif-Italic.ttf",
        "DejaVuSerif-BoldItalic.ttf",
    ),
}
# The PDF base fonts need no embedding.
BASE: dict[str, tuple[str, str, str, str]] = {
    "Helvetica": ("Helvetica", "Helvetica-Bold", "Helvetica-Oblique", "Helvetica-BoldOblique"),
    "Times": ("Times-Roman", "Times-Bold", "Times-Italic", "Times-BoldItalic"),
    "Courier": ("Courier", "Courier-Bold", "Courier-Oblique", "Courier-BoldOblique"),
}
SUFFIXES = ("", "-Bold", "-Italic", "-BoldItalic")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@functools.cache
def font_bytes(source: str) -> bytes:
    """The font file behind a PyMuPDF font code or a file name in matplotlib's font folder."""
    if source.endswith(".ttf"):
        return (Path(matplotlib.get_data_path()) / "fonts" / "ttf" / source).read_bytes()
    data = bytes(pymupdf.Font(source).buffer)
    if source.startswith("fig"):  # FiraGO's figures are proportional; columns need its tabular set
        return _remapped(data, {ord("0") + i: f"{name}.tf" for i, name in enumerate(DIGITS)})
    if source.startswith("notos"):  # Noto Sans leaves the minus sign to a font of symbols
        return _remapped(data, {0x2212: "endash"})
    return data


def _remapped(data: bytes, changes: dict[int, str]) -> bytes:
    """The same font with other glyphs for some characters."""
    font = RawFont(io.BytesIO(data), recalcTimestamp=False)
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap.update(changes)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


@functools.cache
def use(family: str) -> str:
    """Register a family with reportlab (once) and return its name."""
    names = [family + suffix for suffix in SUFFIXES]
    for name, source in zip(names, FAMILIES[family], strict=True):
        pdfmetrics.registerFont(TTFont(name, io.BytesIO(font_bytes(source))))
    pdfmetrics.registerFontFamily(
        family, normal=names[0], bold=names[1], italic=names[2], boldItalic=names[3]
    )
    return family


@functools.cache
def use_file(path: str) -> str:
    """Register one font file by path: the glyphs of a formula come from several files."""
    name = "math-" + Path(path).stem
    pdfmetrics.registerFont(TTFont(name, path))
    return name


def face(family: str, bold: bool = False, italic: bool = False) -> str:
    """The registered name of one member of a family."""
    if family in BASE:
        return BASE[family][bold + 2 * italic]
    return use(family) + SUFFIXES[bold + 2 * italic]


def width(text: str, font: str, size: float) -> float:
    """The printed width of a string in points."""
    return float(pdfmetrics.stringWidth(text, font, size))
