"""The vendor's JSON as values: bytes and the shape they promise -> an instance of it.

msgspec learns a Struct when it first meets it, and two threads that do so at once end in a process that hangs or dies. Streams are
read in threads, so every shape is learned under one lock.
"""

from __future__ import annotations

from threading import Lock
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import fields

Shape = TypeVar("Shape")
Record = TypeVar("Record", bound=msgspec.Struct)
_learning = Lock()
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}


def decode(data: bytes | str | msgspec.Raw, shape: type[Shape]) -> Shape:
    """An instance of `shape`, from any thread. Raises msgspec.DecodeError, ValidationError among them."""
    decoder = _decoders.get(shape) or _learned(shape)
    try:
        found: Shape = decoder.decode(data)
        return found
    except UnicodeDecodeError:
        # Not chained: it quotes what a person wrote.
        raise msgspec.ValidationError("A text is no UTF-8.") from None


def _learned(shape: object) -> msgspec.json.Decoder[Any]:
    with _learning:
        if shape not in _decoders:
            _decoders[shape] = msgspec.json.Decoder(shape)
        return _decoders[shape]


def told(node: bytes | msgspec.Raw, shape: type[Record]) -> Record:
    """What a record tells of `shape`. Parts of another type, at any depth, are as if they were not there: plugins write what they like.

    Not for what decides which records belong together, or what is sold: there a part that is left out would be a wrong figure.

    Raises msgspec.DecodeError for what is no object, or lacks what `shape` requires.
    """
    try:
        return decode(node, shape)
    except msgspec.ValidationError:
        parts = decode(node, dict[str, msgspec.Raw])
        kept = {
            field.encode_name: part
            for field in fields(shape)
            if field.encode_name in parts and (part := _told_part(parts[field.encode_name], field.type)) is not None
        }
        return decode(msgspec.json.encode(kept), shape)


def _told_part(part: msgspec.Raw, kind: Any) -> Any:
    """What a part tells of a type, as what encodes to it; None: nothing."""
    try:
        decode(part, kind)
    except msgspec.ValidationError:
        pass
    else:
        return part
    for one in get_args(kind) if isinstance(kind, UnionType) else (kind,):
        try:
            if isinstance(one, type) and issubclass(one, msgspec.Struct):
                return told(part, one)
            if get_origin(one) is list:
                return _told_list(part, one)
        except msgspec.ValidationError:
            continue
    return None


def _told_list(part: msgspec.Raw, kind: Any) -> list[Any] | None:
    try:
        elements = decode(part, list[msgspec.Raw])
    except msgspec.ValidationError:
        return None
    [element] = get_args(kind)
    return [found for one in elements if (found := _told_part(one, element)) is not None]
