"""The library of VARAi Commerce Studio: source -> landing -> canonical -> gate -> catalogue + warehouse -> marts."""

import os
from importlib.metadata import PackageNotFoundError, version

# Read once, when the first module that holds Arrow, or DuckDB, is imported; why: varai.canonical.memory.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
os.environ.setdefault(
    "DUCKDB_JE_MALLOC_CONF", "cache_oblivious:false,narenas:1,lg_extent_max_active_fit:10,dirty_decay_ms:-1"
)

try:
    __version__ = version("varai")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0.0.0"
