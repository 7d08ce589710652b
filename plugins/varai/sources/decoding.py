"""The vendor's JSON as values: bytes and the shape they promise -> an instance of it.

msgspec learns a Struct when it first meets it, and two threads that do so at once end in a process that hangs or dies. Streams are
read in threads, so every shape is learned under one lock.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, TypeVar

import msgspec

Shape = TypeVar("Shape")
_learning = Lock()
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}


def decode(data: bytes | str | msgspec.Raw, shape: type[Shape]) -> Shape:
    """An instance of `shape`, from any thread. Raises msgspec.DecodeError, ValidationError among them."""
    with _learning:
        if shape not in _decoders:
            _decoders[shape] = msgspec.json.Decoder(shape)
        decoder: msgspec.json.Decoder[Shape] = _decoders[shape]
    return decoder.decode(data)
