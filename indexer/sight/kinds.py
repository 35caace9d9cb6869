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
    CODE: "",
}
# Drawn by paths, these are words or ornaments.
EMBEDDED_ONLY = frozenset({"table", "formula", "handwriting", "photo", "screenshot"})
# What a whole page may be that is no scan of one.
WHOLE_PAGES = frozenset({"photo", "map", "drawing", "diagram", "word cloud"})
