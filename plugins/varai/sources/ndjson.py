"""Records as the vendor wrote them, as lines: bytes in, bytes out, no digit of an amount touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from varai.sources.contract import Page

_NUMBER: Final = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_LONG: Final = b"0" * 16
_DIGITS: Final = bytes.maketrans(b"123456789.", b"0" * 10)
Added = str | Mapping[str, str] | Sequence[Mapping[str, str]] | Sequence[msgspec.Raw]


def quoted_numbers(keys: Collection[str]) -> Callable[[bytes], bytes]:
    """A function that puts the numbers which are values of these keys, at any depth, between quotes, every digit as it is written.

    A reader of JSON makes a double of a number. It gives back any decimal of up to 15 digits, so that a text without a longer number stays
    as it is, and most do. Other values of these keys, and all else, stay as they are.
    """
    names = b"|".join(re.escape(key.encode()) for key in sorted(keys))
    # A quote within a text is escaped: a name between two bare quotes and before a colon is a key, and never part of a text.
    found = re.compile(rb'("(?:' + names + rb')"\s*:\s*)(' + _NUMBER + rb")(?=\s*[,}])")

    def quoted(text: bytes) -> bytes:
        if not has_long_number(text):
            return text
        parts = found.split(text)  # what stands between, the key, its number, and so on
        parts[2::3] = [b'"%b"' % number for number in parts[2::3]]
        return b"".join(parts)

    return quoted


def has_long_number(text: bytes) -> bool:
    """Whether there is a number of 16 digits or more, or what looks like one."""
    return _LONG in text.translate(_DIGITS)


def empty_objects(keys: Collection[str]) -> Callable[[bytes], bytes]:
    """A function that writes an empty object where the value of one of these keys, at any depth, is an empty list.

    PHP does not tell one from the other. It writes JSON in one line, without blanks, or in several, with one after the colon.
    """
    before = b"|".join(rb'(?<="%b":%b\[\])' % (re.escape(key.encode()), blank) for key in keys for blank in (b"", b" "))
    # It begins with what is rare: what stands before that is looked at there alone.
    found = re.compile(rb"\[\](?:%b)" % before)

    def emptied(text: bytes) -> bytes:
        return found.sub(b"{}", text)

    return emptied


def line_of(node: msgspec.Raw | bytes, **more: Added) -> bytes:
    """An object as one line, with keys added at its end; line breaks between its parts become spaces (within texts JSON has none)."""
    text = bytes(node).strip()
    added = b"".join(b"," + msgspec.json.encode(key) + b":" + msgspec.json.encode(value) for key, value in more.items())
    whole = text[:-1] + (added if len(text) > 2 else added[1:]) + b"}"
    return whole.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"


def lines_of(nodes: Sequence[msgspec.Raw], added: Sequence[bytes] | None = None) -> bytes:
    """`line_of` for many: objects as lines, each with members, as JSON writes them, added at its end. None of the objects is empty."""
    if added is None:
        text = b"".join([part for node in nodes for part in (node, b"\n")])
    else:
        parts = zip(nodes, added, strict=True)
        text = b"".join([part for node, more in parts for part in (memoryview(node)[:-1], b",", more, b"}\n")])
    if text.count(b"\n") == len(nodes) and b"\r" not in text:
        return text
    return lines_of([msgspec.Raw(bytes(node).replace(b"\n", b" ").replace(b"\r", b" ")) for node in nodes], added)


def roots(nodes: Sequence[msgspec.Raw]) -> Page:
    """Vendor records, a line each."""
    return Page(lines_of(nodes), len(nodes), len(nodes))


def children(nodes: Sequence[msgspec.Raw | bytes], parent: int) -> Page:
    """What hangs on a record, a line each that names it."""
    return Page(b"".join(line_of(node, __parentId=str(parent)) for node in nodes), 0, len(nodes))
