"""What is kept here of an index that lies elsewhere, so that searching it is as searching a folder."""
