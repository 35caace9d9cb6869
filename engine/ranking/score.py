"""The terms' sum for pages, and its parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.maxsim import summed
from pagesight.engine.ranking.terms import Asked, PageIds, Term

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is added to MaxSim. Without terms it is MaxSim alone.

    calibration: the file that says how sure an answer with these terms is (see ``confidence``); "" if it was never learnt.
    """

    terms: tuple[Term, ...] = ()
    calibration: str = ""

    def added(self, asked: Asked, length: float, page_ids: PageIds) -> Float:
        """For each page what it gets beside MaxSim: (n_pages,). length: of the question, the sum of its vectors' lengths."""
        if not self.terms:
            return np.zeros(len(page_ids), np.float32)
        return summed(self.parts(asked, length, page_ids))

    def parts(self, asked: Asked, length: float, page_ids: PageIds) -> Float:
        """What each term adds, in the order of ``terms``: (n_terms, n_pages)."""
        rows = [term.weight * length * term.values(asked, page_ids) for term in self.terms]
        return np.asarray(np.stack(rows) if rows else np.empty((0, len(page_ids))), np.float32)


MAXSIM_ALONE = Ranking()
