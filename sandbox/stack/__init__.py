"""The embedded stack of a laptop: ports, keys, programs under a supervisor, and the demo that runs on it."""
