"""Slips of the pen: a word that is in no page and in no vocabulary, read as one of the index that it nearly is.

A word is looked at if no page has it, if the model's vocabulary knows it only in pieces, and if it is a word: no digit, no
quotes around it, Latin letters, four of them or more. It is read as a term of the index if that is one slip away (two in a long
word) and so much more probable in any language that a slip is the better explanation. "trains" is not read as "train", nor
"columns" as "columnas": what differs at the end alone is grammar or another language. The first letter is taken to be right.

A word that pages have with other accents is read as they have it: the index's terms have none, but the model's vectors do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from pagesight.engine.encoder import KnowsWords
from pagesight.engine.typed.slips import one_slip_early, slips_between
from pagesight.storage.names import nfc
from pagesight.storage.words import bare_fold

SHORTEST, LONG, LONGEST = 4, 8, 40  # letters of words: that are looked at, that may have two slips, that are looked at
ENOUGH, ENOUGH_OF_SHORT, ENOUGH_OF_LONG = 6.0, 9.0, 0.0  # nats by which a slip must be the better explanation
SHORT = 5  # letters of a short word, at most; a word of two pieces of the vocabulary is treated as one
SECOND_SLIP = 12.0  # nats that a second slip costs
LESS_ACCENTED = 2.0  # nats by which other accents must be the better ones
EARLY = 3  # letters by which the vocabulary is asked for words that begin alike
EARLY_OF_MANY, MANY_PAGES = 4, 20_000  # and in a large index, where three letters would bring too many
MOST_UMLAUTS = 3  # of a word, spelt out as two letters
MOST_WORDS = 24  # of a question that are looked at: a pasted page is not typed
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "æ": "ae", "ø": "oe"})

_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»')
_LATIN = re.compile(r"[a-zß]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it is read. changes: (typed, read) of each word that is read differently, in order."""

    text: str
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """read 'recieve' as 'receive'; "" if nothing is read differently."""
        return ", ".join(f"read {typed!r} as {meant!r}" for typed, meant in dict.fromkeys(self.changes))


class Vocabulary(Protocol):
    """What reading asks of an index; as a View answers it."""

    def page_ids(self) -> Sized: ...
    def vocabulary(self, prefixes: Sequence[str], terms: Sequence[str] = ()) -> dict[str, int]: ...
    def spelt(self, term: str) -> str: ...


def read(question: str, view: Vocabulary, model: KnowsWords) -> Reading:
    """A question as it is meant, in Unicode's composed form. model: of the index."""
    question = nfc(question)
    words = [
        found
        for found in _words(question)
        if model.surprise(found[0])[1] > 1 and model.surprise(found[0].lower())[1] > 1
    ]
    if not words or len(words) > MOST_WORDS:
        return Reading(question)
    bare = {found[0]: bare_fold(found[0]) for found in words}
    on_pages = view.vocabulary((), tuple(bare.values()))
    changes: list[tuple[str, str]] = []
    text, moved = question, 0
    for word, start in words:
        meant = (
            _accented(word, bare[word], view, model)
            if bare[word] in on_pages
            else _meant(word, bare[word], view, model)
        )
        if meant is not None:
            meant = _in_case_of(word, meant)
            text = text[: start + moved] + meant + text[start + moved + len(word) :]
            moved += len(meant) - len(word)
            changes.append((word, meant))
    return Reading(text, tuple(changes))


def _words(question: str) -> Iterator[tuple[str, int]]:
    """Words that may be mended, and where they begin."""
    quoted = [match.span() for match in _QUOTED.finditer(question)]
    for match in re.finditer(r"[\w-]+", question):
        if any(map(str.isdigit, match[0])) or any(start < match.start() < stop for start, stop in quoted):
            continue  # a name, or said to be meant as it stands
        for word in _WORD.finditer(match[0]):
            if SHORTEST <= len(word[0]) <= LONGEST and _LATIN.fullmatch(bare_fold(word[0])):
                yield word[0], match.start() + word.start()


def _meant(word: str, bare: str, view: Vocabulary, model: KnowsWords) -> str | None:
    """What a word that is on no page is meant to be; None if it is what it is."""
    usual, n_pieces = min(model.surprise(word), model.surprise(word.lower()))
    most = 2 if len(bare) >= LONG else 1
    enough = ENOUGH_OF_LONG if len(bare) >= LONG else ENOUGH
    if len(bare) <= SHORT or n_pieces == 2:
        enough = ENOUGH_OF_SHORT
    early = EARLY if len(view.page_ids()) <= MANY_PAGES else EARLY_OF_MANY
    best: tuple[float, int, str] | None = None
    for prefixes, terms in (((bare[:early],), ()), ((), tuple(one_slip_early(bare, early)))):
        for term, n_pages in view.vocabulary(prefixes, terms).items():
            slips = slips_between(bare, term, most)
            if not 0 < slips <= most or len(term) < SHORTEST or not _LATIN.fullmatch(term) or only_ending(bare, term):
                continue
            gain = usual - model.surprise(term)[0] - SECOND_SLIP * (slips - 1)
            if gain >= enough and (best is None or (gain, n_pages, term) > best):
                best = (gain, n_pages, term)
        if best is not None:
            return view.spelt(best[2])
    return _spelt_out(word, view)


def _spelt_out(word: str, view: Vocabulary) -> str | None:
    """Vorstände of Vorstaende, however probable either is: no other word is spelt so."""
    bare = bare_fold(word)
    places = [match.start() for match in re.finditer("[aou]e|ss|aa", bare)][:MOST_UMLAUTS]
    terms = set()
    for chosen in product((False, True), repeat=len(places)):
        term = bare
        for place, short in reversed(list(zip(places, chosen, strict=True))):
            if short:
                term = term[:place] + ("ß" if term[place] == "s" else term[place]) + term[place + 2 :]
        terms.add(term)
    for term in sorted(view.vocabulary((), tuple(terms - {bare}))):
        spelt = view.spelt(term)
        if spelt.translate(UMLAUTS) == word.lower():
            return spelt
    return None


def _accented(word: str, bare: str, view: Vocabulary, model: KnowsWords) -> str | None:
    """A word that was typed without accents, with those of the pages that have it."""
    if word.lower() != bare:
        return None
    spelt = view.spelt(bare)
    if spelt == bare or model.surprise(spelt)[0] > model.surprise(bare)[0] - LESS_ACCENTED:
        return None
    return spelt


def only_ending(one: str, other: str) -> bool:
    """Whether two words differ at their end alone, and not by two letters that changed places: train, trains; columns, columnas."""
    shorter, longer = sorted((one, other), key=len)
    if longer.startswith(shorter):
        return len(longer) - len(shorter) <= 2
    return longer.startswith(shorter[:-1]) and one[-2:] != other[-1] + other[-2]


def _in_case_of(typed: str, meant: str) -> str:
    if typed.isupper():
        return meant.upper()
    return meant[:1].upper() + meant[1:] if typed[:1].isupper() else meant
