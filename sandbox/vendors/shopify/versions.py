"""Versions of the Admin API, and which of them answers."""

from __future__ import annotations

from sandbox.vendors.faults import Faults

OLDEST_VERSION = "2026-01"
VERSIONS = (OLDEST_VERSION, "2026-04", "2026-07", "2026-10")


def served_version(asked: str, faults: Faults, text: str) -> str | None:
    """The version that answers: an unsupported old one falls forward to the oldest; None for one that never was."""
    wrong = faults.strike("wrong_version", "graphql", text)
    if wrong is not None:
        return str(wrong.options.get("version", OLDEST_VERSION))
    if asked in VERSIONS or asked == "unstable":
        return asked
    return OLDEST_VERSION if len(asked) == len(OLDEST_VERSION) and asked < OLDEST_VERSION else None
