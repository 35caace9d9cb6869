"""The engine inside other frameworks, a module each, imported by who uses it. All stand on a Searcher (engine.searcher)."""
