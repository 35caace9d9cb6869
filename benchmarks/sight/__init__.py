"""The head that tells kinds of pictures apart: pictures drawn by us, and how it is learnt from them."""
