"""Picking from objects that a body holds whole (money, taxes, addresses): a selection becomes one function.

In: the dict of an object. Out: the dict that is asked for; the very same one when it already is that, which most money
is. These are by far the most numerous objects of an order, so they get no node and no batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.vendors.shopify.nodes import concrete_type
from sandbox.vendors.shopify.selection import Inner, Pick, Selection

Body = dict[str, Any]
Picker = Callable[[Body], Body]
Absent = Callable[[str, Body, Pick], Any]
"""What a field holds that its object lacks: (type, object, pick) -> value."""
_Part = tuple[Pick, Picker | None]


def picker(selection: Selection, absent: Absent) -> Picker:
    """The function that answers a plain selection."""
    parts: list[_Part] = [(pick, _inner(pick.inner, absent) if pick.inner else None) for pick in selection.picks]
    type_name = selection.type_name
    names = tuple(pick.name for pick in selection.picks)
    deep = [(pick.name, inside) for pick, inside in parts if inside is not None]
    if any(pick.key != pick.name or (pick.inner is not None and pick.listed) for pick in selection.picks):
        return lambda body: _picked(body, type_name, parts, absent)

    def pick_all(body: Body) -> Body:
        if tuple(body) != names:
            return _picked(body, type_name, parts, absent)
        for name, inside in deep:
            held = body[name]
            if held is None or inside(held) is not held:
                return _picked(body, type_name, parts, absent)
        return body

    return pick_all


def _picked(body: Body, type_name: str, parts: list[_Part], absent: Absent) -> Body:
    out: Body = {}
    for pick, inside in parts:
        found = body.get(pick.name)
        if found is None:
            found = type_name if pick.name == "__typename" else absent(type_name, body, pick)
        if inside is not None and found is not None:
            items: Any = found
            found = list(map(inside, items)) if pick.listed else inside(items)
        out[pick.key] = found
    return out


def _inner(inner: Inner, absent: Absent) -> Picker:
    by_type = {name: picker(selection, absent) for name, selection in inner.by_type.items()}
    if len(by_type) == 1:
        return next(iter(by_type.values()))
    return lambda body: by_type[concrete_type(inner, body)](body)
