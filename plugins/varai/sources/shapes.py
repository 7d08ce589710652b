"""Words to declare what is read of a vendor's lines: keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from varai.kernel import identifier

PARENT: Final = "__parentId"
"""The key by which a line that is part of a record, a variant of a product say, names that record."""
TEXT: Final = "VARCHAR"
Shape = Mapping[str, str]


def texts(*names: str) -> dict[str, str]:
    """Keys whose values are scalars."""
    return dict.fromkeys(names, TEXT)


def struct(shape: Shape) -> str:
    """The type of an object with these keys."""
    return f"STRUCT({', '.join(f'{identifier(name)} {kind}' for name, kind in shape.items())})"


def list_of(shape: Shape) -> str:
    """The type of a list of objects with these keys."""
    return struct(shape) + "[]"
