"""Questions as people type them: what is meant by the letters that arrive.

writings    the same number, date, quantity or part number in all its writings, as phrases of the index's terms
slips       letters that changed places: how far a word is from another
spelling    words that are in no page and in no vocabulary, read as one of the index that they nearly are

A question that is read differently from how it was typed says so, in the parts of its hits' scores.
"""
