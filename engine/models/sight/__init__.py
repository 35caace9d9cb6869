"""The kinds of pictures on pages: a network that others trained, and an encoder that knows what was seen."""
