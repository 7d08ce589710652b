"""What the process does with memory that is free again, so that mapping a long batch holds no more than a short one."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

_MMAP_THRESHOLD: Final = -3
"""M_MMAP_THRESHOLD of glibc's <malloc.h>."""
_LARGE: Final = 2**20


@cache
def give_back_large_blocks() -> None:
    """Blocks of a mebibyte and more go back to the system when they are freed: for the whole process, once and for all.

    By itself glibc raises the size from which on blocks are mapped apart to that of the largest one freed so far (mallopt(3)). Chunks
    then come from the heap, between DuckDB's small blocks, and each finds a new place there. Arrow's own pool would keep what is freed
    for Arrow alone; that it uses the system's is said in `varai/__init__.py`, before Arrow is imported.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
