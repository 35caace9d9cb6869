"""Copies of an index in another place: what there is to do, doing it, and comparing both at the end."""
