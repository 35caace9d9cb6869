"""The ColPali family: transformers' late-interaction classes."""
