"""Plaintext in, a path in memory out: for readers such as DuckDB that want a file where none may touch a disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

_CHUNK = 2**20


@contextmanager
def memory_file(data: bytes | BinaryIO = b"") -> Iterator[str]:
    """Yield the path of a memory-backed file that holds `data`; its memory is freed at exit.

    The path (`/proc/self/fd/<n>`) is valid in this process alone, for reading and for writing (DuckDB's COPY needs
    USE_TMP_FILE false). A stream is copied in
    chunks of 1 MiB, so that no second copy of it is made.
    """
    descriptor = os.memfd_create("varai", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        if isinstance(data, bytes):
            file.write(data)
        else:
            shutil.copyfileobj(data, file, _CHUNK)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"
