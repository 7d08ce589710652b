"""What the process does with memory that is free again, so that mapping a long batch holds no more than a short one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
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

    There too DuckDB's allocator, jemalloc, is told how to find freed blocks a use again, since each page that comes anew is zeroed, which
    is dear in virtual machines (jemalloc(3), TUNING). It holds for every connection of the process:

    - cache_oblivious:false: large blocks begin at whole pages, not at a random place in a page more, so that freed ones fit.
    - narenas:1: what one thread freed serves all.
    - lg_extent_max_active_fit:10: a block may be cut from one that is up to 1,024 times as large, before new pages are asked for.
    - dirty_decay_ms:-1: what is free is kept until it is given back in one go (`Engine.rest`), not little by little. What other
      connections free is kept for those that come.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)


def give_back_free_pages() -> None:
    """Pages of the heap on which nothing lies any more go back to the system, wherever they are (malloc_trim(3)).

    Arrow's columns of a chunk are smaller blocks than those above. Freed in another order than they were taken, they leave holes, and
    the heap grows by tens of megabytes, more in a long batch than in a short one.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """The C library's malloc_trim; None where it has none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
