"""The command line: commands parse, call the engine, and print."""
