"""Keeping an index up to date with folders while they change: when to look (``changes``), what is ready (``looking``), what is gone (``presence``)."""
