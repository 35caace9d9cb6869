"""How many slips of the pen lie between two words."""

from __future__ import annotations

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def slips_between(one: str, other: str, most: int) -> int:
    """Letters put in, left out, replaced, or swapped with their neighbour; ``most + 1`` if there are more.

    Optimal string alignment, which touches no place twice. Source: Damerau 1964, "A technique for computer detection and
    correction of spelling errors", CACM 7.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    first, last = 0, 0
    shorter = min(len(one), len(other))
    while first < shorter and one[first] == other[first]:
        first += 1
    while last < shorter - first and one[-1 - last] == other[-1 - last]:
        last += 1
    one, other = one[first : len(one) - last], other[first : len(other) - last]
    if max(len(one), len(other)) > 2 * most + 2:  # what differs at both ends cannot be as long as this
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        last_row, row_before, before = row, before, row
        row = [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(last_row[j] + 1, row[j - 1] + 1, last_row[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, row_before[j - 2] + 1)
            row.append(cost)
    return min(row[-1], most + 1)


def one_slip_early(word: str, places: int) -> set[str]:
    """What a word was if its one slip is behind its first letter and among its first letters: ``places`` of them."""
    found = set()
    for i in range(1, min(places, len(word))):
        head, tail = word[:i], word[i:]
        found.add(head + tail[1:])
        if len(tail) > 1:
            found.add(head + tail[1] + tail[0] + tail[2:])
        found |= {head + letter + tail[1:] for letter in ALPHABET} | {head + letter + tail for letter in ALPHABET}
    if len(word) > 1:
        found.add(word[1] + word[0] + word[2:])
    return found - {word}
