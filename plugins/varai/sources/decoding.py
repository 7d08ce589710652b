"""The vendor's JSON as values: bytes and the shape they promise -> an instance of it.

msgspec learns a Struct when it first meets it, and two threads that do so at once end in a process that hangs or dies. Streams are
read in threads, so every shape is learned under one lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any, TypeVar

import msgspec
from msgspec.structs import FieldInfo, fields

Shape = TypeVar("Shape")
Record = TypeVar("Record", bound=msgspec.Struct)
_learning = Lock()
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}


def decode(data: bytes | str | msgspec.Raw, shape: type[Shape]) -> Shape:
    """An instance of `shape`, from any thread. Raises msgspec.DecodeError, ValidationError among them."""
    with _learning:
        if shape not in _decoders:
            _decoders[shape] = msgspec.json.Decoder(shape)
        decoder: msgspec.json.Decoder[Shape] = _decoders[shape]
    return decoder.decode(data)


def told(node: bytes | msgspec.Raw, shape: type[Record]) -> Record:
    """What a record tells of `shape`. Parts of another type are as if they were not there: people and plugins write what they like.

    Raises msgspec.DecodeError for what is no object, or lacks what `shape` requires.
    """
    try:
        return decode(node, shape)
    except msgspec.ValidationError:
        parts = decode(node, dict[str, msgspec.Raw])
        kept = {field.encode_name: parts[field.encode_name] for field in fields(shape) if _is_told(parts, field)}
        return decode(msgspec.json.encode(kept), shape)


def _is_told(parts: Mapping[str, msgspec.Raw], field: FieldInfo) -> bool:
    try:
        decode(parts[field.encode_name], field.type)
    except (KeyError, msgspec.ValidationError):
        return False
    return True
