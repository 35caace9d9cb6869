"""Several questions in one: each is asked alone, and their answers are put together.

The vectors of "When is the pool open? What does it cost?" know each other, and a page that answers the one half is beaten by
pages that are a little about both.
"""

from __future__ import annotations

import re

MOST = 4  # questions; what has more is a text that was pasted
FEWEST_LETTERS = 6  # of a question
LONGEST = 1_000  # characters

_END = re.compile(r"(?<=[?])\s+|(?<=[？؟])")


def questions_in(text: str) -> list[str]:
    """The questions of a text, in order; the text alone if they are not clearly several.

    They are if each but the last ends with a question mark, and each has some letters. "and" parts nothing, it joins words as
    often as questions; nor does a line's end, which a text that was pasted has anywhere.
    """
    if len(text) > LONGEST:
        return [text]
    parts = [part.strip() for part in _END.split(text) if part.strip()]
    enough = all(sum(map(str.isalnum, part)) >= FEWEST_LETTERS for part in parts)
    return parts if 1 < len(parts) <= MOST and enough else [text]
