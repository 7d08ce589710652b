"""Ports of the embedded stack: those of the last time where they are free, else others. Kept in $VARAI_HOME/ports.json.

A port is chosen minutes before its server listens on it, so what one stack has chosen is written where all stacks of the user
look: two that start at once would otherwise choose the same.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

_FIRST = 18080
_STARTED_S = 900.0
"""By then a stack listens on what it chose, or has given up."""


class Claim(NamedTuple):
    """Which stack wants a port, and until when (seconds since 1970) others leave it alone though nobody listens yet."""

    home: str
    until: float


_CLAIMS = TypeAdapter(dict[int, Claim])


def choose(home: Path, names: Iterable[str]) -> Mapping[str, int]:
    """A free port of 127.0.0.1 per name; the earlier choice is kept where nobody else listens on it or has just chosen it."""
    path = home / "ports.json"
    before: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    chosen: dict[str, int] = {}
    candidate, now = _FIRST, time.time()
    with _claims() as claims:
        for old in [port for port, claim in claims.items() if claim.home == str(home) or claim.until < now]:
            del claims[old]
        for name in names:
            port = before.get(name)
            while port is None or port in chosen.values() or port in claims or not free(port):
                port = candidate
                candidate += 1
            chosen[name] = port
        claims |= dict.fromkeys(chosen.values(), Claim(str(home), now + _STARTED_S))
    home.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(chosen, indent=1))
    return chosen


def known(home: Path, names: Iterable[str]) -> Mapping[str, int]:
    """The ports chosen at the last start; chosen now when there was none."""
    path = home / "ports.json"
    found: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    return found if set(names) <= found.keys() else choose(home, names)


def free(port: int) -> bool:
    """Whether nobody listens on a port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _claims() -> Iterator[dict[int, Claim]]:
    """The claims of all stacks of this user, to be changed; one stack at a time."""
    path = Path(tempfile.gettempdir()) / f"varai-{os.getuid()}-ports.json"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            claims = _CLAIMS.validate_json(file.read() or "{}")
        except ValidationError:  # cut by a full disk, say: a claim is worth less than a start
            claims = {}
        yield claims
        file.seek(0)
        file.truncate()
        file.write(json.dumps(claims))
