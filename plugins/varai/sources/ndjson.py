"""Records as the vendor wrote them, as lines: bytes in, bytes out, no digit of an amount touched."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from varai.sources.contract import Page


def line_of(node: msgspec.Raw | bytes, **more: str) -> bytes:
    """An object as one line, with keys added at its end; line breaks between its parts become spaces (within texts JSON has none)."""
    text = bytes(node).replace(b"\n", b" ").replace(b"\r", b" ").strip()
    added = b"".join(b"," + msgspec.json.encode(key) + b":" + msgspec.json.encode(value) for key, value in more.items())
    return text[:-1] + (added if len(text) > 2 else added[1:]) + b"}\n"


def roots(nodes: Sequence[msgspec.Raw | bytes]) -> Page:
    """Vendor records, a line each."""
    return Page(b"".join(map(line_of, nodes)), len(nodes), len(nodes))


def children(nodes: Sequence[msgspec.Raw | bytes], parent: int, **more: str) -> Page:
    """What hangs on a record, a line each that names it; `more` are keys added to each."""
    return Page(b"".join(line_of(node, __parentId=str(parent), **more) for node in nodes), 0, len(nodes))
