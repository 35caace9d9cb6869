"""The kinds of pictures that are told apart, and the words that people use for them."""

from __future__ import annotations

CODE = "qr code"
SEEN = {  # kind -> what it is a case of, for filters and for questions
    "photo": "",
    "bar chart": "chart",
    "line chart": "chart",
    "pie chart": "chart",
    "scatter plot": "chart",
    "chart": "",  # of any other sort: a box plot, a heat map, a radar, a plan of bars
    "diagram": "",
    "drawing": "",
    "map": "",
    "table": "",
    "screenshot": "",
    "logo": "",
    "signature": "",
    "stamp": "",
    "handwriting": "",
    "formula": "",
    "word cloud": "",
}  # a QR code is said where it was read, whatever it looks like
EMBEDDED_ONLY = frozenset(
    {"table", "formula", "handwriting", "photo", "screenshot"}
)  # drawn by paths, they are words or ornaments
