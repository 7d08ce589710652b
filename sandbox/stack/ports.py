"""Ports of the embedded stack: those of the last time where they are free, else others. Kept in $VARAI_HOME/ports.json."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

_FIRST = 18080


def choose(home: Path, names: Iterable[str]) -> Mapping[str, int]:
    """A free port of 127.0.0.1 per name; the earlier choice is kept where nobody else listens on it."""
    path = home / "ports.json"
    before: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    chosen: dict[str, int] = {}
    candidate = _FIRST
    for name in names:
        port = before.get(name)
        while port is None or port in chosen.values() or not free(port):
            port = candidate
            candidate += 1
        chosen[name] = port
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
