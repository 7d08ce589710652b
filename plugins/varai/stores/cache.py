"""Valkey or Redis: one client per process and address, or none where the region has no cache."""

from __future__ import annotations

import os
from functools import cache as memoised

import valkey

from varai.kernel import Scope


@memoised
def _client(url: str, pid: int) -> valkey.Valkey:
    del pid
    return valkey.Valkey.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)


def cache(scope: Scope) -> valkey.Valkey | None:
    """The region's cache, or None. Callers treat every failure of it as a miss."""
    return _client(scope.cache_url, os.getpid()) if scope.cache_url else None
