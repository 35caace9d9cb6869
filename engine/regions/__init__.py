"""Where on a page the answer is: regions, from the vectors, boxes and words that are stored of it.

layout    words -> lines and cells -> blocks and rows, from their boxes alone
spaces    where the page is free of prose: figures, charts and tables
evidence  what of the question each line matches
named     what titles and captions bring: spaces, and the lines of a section
wording   what a question asks for, and what a caption begins with
ragged    groups that lie end to end, so that all pages of an answer are looked at in one go
choose    the regions: ``find_regions``
patches   the same for models that read the picture of a page
_regions  what ragged, layout and spaces do, in C, where there was a compiler
"""
