"""An encoder of words that also knows what was seen on a page: the kind of each picture becomes token vectors in its place.

A question that names a kind of picture ("the group photo", "Balkendiagramm der Umsätze") finds the page by them, as it finds
words. They are the model's own vectors of the words for the kind, each phrase read alone, with the picture's box.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.encoder import EncodedQuery, Encoder, KnowsWords
from pagesight.engine.models.sight.network import network_file, sight_digest
from pagesight.indexer.content import PageContent
from pagesight.storage.values import EncodedPage, PageWords, SeenPicture

MAX_TEXT_WORDS = 40  # of what a QR code says
_VERSION = 1  # grows when other vectors come of the same pictures
_WORD = re.compile(r"\w+")


class SeeingEncoder:
    """Another Encoder's vectors, and more of them where pictures were seen. Questions are encoded as they were."""

    def __init__(self, words: Encoder) -> None:
        self._words = words
        told = json.dumps([words.fingerprint, sight_digest(), _VERSION, MAX_TEXT_WORDS])
        self.fingerprint = hashlib.sha256(told.encode()).hexdigest()
        self.name = words.name
        self.single_dim, self.token_dim = words.single_dim, words.token_dim
        self.image_pixels, self.reads_words = words.image_pixels, words.reads_words
        self.opening_weight, self.trained_single = words.opening_weight, words.trained_single
        self.pages_at_once = words.pages_at_once
        if isinstance(words, KnowsWords):  # mending a question needs it
            self.surprise = words.surprise
        self._known: dict[str, EncodedPage] = {}

    def sight_file(self) -> Path:
        """The network that reading processes look with. Raises WeightsMissing, WeightsDamaged; searching needs it never."""
        return network_file()

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        """As the encoder of words does."""
        return self._words.encode_queries(texts)

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """As the encoder of words does, with the vectors of pictures behind those of words."""
        encoded = self._words.encode_pages(pages)
        return [
            self._with_pictures(one, page.pictures) if page.pictures else one
            for one, page in zip(encoded, pages, strict=True)
        ]

    def _with_pictures(self, page: EncodedPage, pictures: Sequence[SeenPicture]) -> EncodedPage:
        phrases = [self._phrase(phrase_of(picture)) for picture in pictures]
        single = page.single if page.single.any() else phrases[0].single
        boxes = [
            np.tile(np.array(picture.box, np.float32), (len(phrase.tokens), 1))
            for picture, phrase in zip(pictures, phrases, strict=True)
        ]
        tokens = [phrase.tokens for phrase in phrases]
        return EncodedPage(single, _stacked(page.tokens, tokens), _stacked(page.boxes, boxes))

    def _phrase(self, text: str) -> EncodedPage:
        if text not in self._known:
            if len(self._known) > 10_000:  # contents of QR codes
                self._known.clear()
            words = tuple(text.split())
            boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (len(words), 1))
            alone = PageContent(
                number=1, width_pt=1.0, height_pt=1.0, words=PageWords(words, boxes), text_source="none"
            )
            (self._known[text],) = self._words.encode_pages([alone])
        return self._known[text]


def phrase_of(picture: SeenPicture) -> str:
    """What a picture is called: its kind and what it says."""
    return " ".join([picture.kind, *_WORD.findall(picture.text)[:MAX_TEXT_WORDS]])


def _stacked(first: NDArray[np.float32], others: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([first, *others]).astype(np.float32, copy=False)
