"""The HTTP API of a region: reads the catalogue and the published marts, and gives tokens; it never opens the warehouse."""
