"""The final score: MaxSim, and a few small terms that say what MaxSim does not see.

terms    what a term is, and the ones there are
table    which of them a model has, how much each counts, why, and what it was measured to bring
score    their sum for pages, and its parts for whoever asks why a page stands where it does
confidence    how sure an answer is, by what its first page has over others; *.json beside it are its learnt numbers

A new term is a function in ``terms`` and a row in ``table``.
"""
