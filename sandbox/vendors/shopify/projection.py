"""Projection: stored rows and a selection become the JSON of the answer, a whole batch of rows pick by pick.

In: nodes (a stored row or an object inside a body) and their selection. Out: one dict per node, in the same order.

Working on a batch lets references and children of all rows be read together. A value missing from a body is derived
from the row (id, legacyResourceId, createdAt, updatedAt) or by `derived.py`; else null, or for a field that may not be
null its empty value; prices are never made up: a body without one is an error that names the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.vendors.shopify.derived import COUNTED, DERIVED, PARENTS, empty_value
from sandbox.vendors.shopify.nodes import (
    Node,
    as_child,
    concrete_type,
    decode_cursor,
    node_of,
    page_info,
    stored_connection,
)
from sandbox.vendors.shopify.plain import Picker, picker
from sandbox.vendors.shopify.reader import ShopReader
from sandbox.vendors.shopify.search import condition_of
from sandbox.vendors.shopify.selection import Connection, Inner, Pick, Selection, is_referred

_MISSING: Any = object()


class Projector:
    """Answers selections from one shop. One per request; `facts` are the shop's."""

    def __init__(self, reader: ShopReader, facts: Mapping[str, str]) -> None:
        self.reader = reader
        self.facts = facts
        self._pickers: dict[int, Picker] = {}

    def project(self, nodes: Sequence[Node], selection: Selection) -> list[dict[str, Any]]:
        """One dict per node, keys in the order of the selection. Connections are answered inside, page by page."""
        outs: list[dict[str, Any]] = [{} for _ in nodes]
        for pick in selection.picks:
            self.fill(nodes, outs, pick)
        return outs

    def fill(self, nodes: Sequence[Node], outs: Sequence[dict[str, Any]], pick: Pick) -> None:
        """Answer one pick for every node."""
        key = pick.key
        if pick.denied:
            for out in outs:
                out[key] = None
        elif pick.connection is not None:
            for out, answer in zip(outs, self._connections(nodes, pick, pick.connection), strict=True):
                out[key] = answer
        elif pick.leaf:
            self._leaves(nodes, outs, pick)
        else:
            for out, answer in zip(outs, self._objects(nodes, pick), strict=True):
                out[key] = answer

    def value(self, node: Node, pick: Pick) -> Any:
        """The raw value of a field of a node, before anything is picked inside it."""
        name = pick.name
        if not pick.arguments and (found := node.body.get(name, _MISSING)) is not _MISSING:
            return found
        if (derive := DERIVED.get((node.type, name)) or DERIVED.get(("*", name))) is not None:
            found = derive(node, pick.arguments)
        else:
            found = node.body.get(name)
        if found is None and not pick.nullable:
            return empty_value(node.type, pick, self.facts)
        return found

    def _leaves(self, nodes: Sequence[Node], outs: Sequence[dict[str, Any]], pick: Pick) -> None:
        key, name = pick.key, pick.name
        if name == "__typename":
            for node, out in zip(nodes, outs, strict=True):
                out[key] = node.type
            return
        if pick.nullable and not pick.arguments and _derivation(nodes, name) is None:
            for node, out in zip(nodes, outs, strict=True):
                out[key] = node.body.get(name)
            return
        for node, out in zip(nodes, outs, strict=True):
            found = node.body.get(name)
            out[key] = found if found is not None and not pick.arguments else self.value(node, pick)

    def _objects(self, nodes: Sequence[Node], pick: Pick) -> list[Any]:
        inner = pick.inner
        assert inner is not None  # noqa: S101 - a pick is a leaf, a connection or an object
        if (counted := COUNTED.get((nodes[0].type if nodes else "", pick.name))) is not None:
            return self._counts(nodes, inner, counted)
        values = self._stored_lists(nodes, pick) if pick.listed else self._parents(nodes, pick)
        if not pick.listed:
            flat = self._inside([v for v in values if v is not None], inner, nullable=pick.nullable)
            answers = iter(flat)
            return [None if v is None else next(answers) for v in values]
        flat = self._inside([item for v in values if v is not None for item in v], inner, nullable=False)
        answers = iter(flat)
        return [None if v is None else [next(answers) for _ in v] for v in values]

    def _counts(self, nodes: Sequence[Node], inner: Inner, connection: str) -> list[Any]:
        counts = self.reader.count_children([node.gid for node in nodes if node.gid], connection)
        bodies: list[Any] = []
        for node in nodes:
            inline = node.body.get(connection)
            number = len(inline) if isinstance(inline, list) else counts.get(node.gid or "", 0)
            bodies.append({"count": number, "precision": "EXACT"})
        return self._inside(bodies, inner, nullable=False)

    def _parents(self, nodes: Sequence[Node], pick: Pick) -> list[Any]:
        """Values of an object field; some are the node's own parent, known only from its row."""
        if nodes and (nodes[0].type, pick.name) in PARENTS:
            return [
                node.body.get(pick.name) or ({"id": node.parent_gid} if node.parent_gid else self.value(node, pick))
                for node in nodes
            ]
        return [self.value(node, pick) for node in nodes]

    def _stored_lists(self, nodes: Sequence[Node], pick: Pick) -> list[Any]:
        """Values of a list field: from the body, else children stored under the field's name."""
        values: list[Any] = [node.body.get(pick.name) for node in nodes]
        if not is_referred(pick.type_name):
            values = [self.value(node, pick) for node in nodes]
        else:
            absent = [node.gid for node, value in zip(nodes, values, strict=True) if value is None and node.gid]
            stored = self.reader.children(absent, pick.name) if absent else {}
            values = [
                [node_of(row) for row in stored.get(node.gid or "", ())] if value is None else value
                for node, value in zip(nodes, values, strict=True)
            ]
        first = pick.arguments.get("first")
        return values if first is None else [value and value[:first] for value in values]

    def _inside(self, values: Sequence[Any], inner: Inner, *, nullable: bool) -> list[Any]:
        """Project objects found in bodies (dicts) or among children (nodes), whatever their concrete type."""
        if len(inner.by_type) == 1:
            selection = next(iter(inner.by_type.values()))
            if selection.plain and not is_referred(inner.declared) and not (values and isinstance(values[0], Node)):
                return list(map(self._picker(selection), values))
            return self._referred(values, selection, nullable=nullable)
        return self._by_type(values, inner, nullable=nullable)

    def _by_type(self, values: Sequence[Any], inner: Inner, *, nullable: bool) -> list[Any]:
        answers: list[Any] = [None] * len(values)
        places: dict[str, list[int]] = {}
        for at, value in enumerate(values):
            places.setdefault(concrete_type(inner, value), []).append(at)
        for type_name, ats in places.items():
            part = self._referred([values[at] for at in ats], inner.by_type[type_name], nullable=nullable)
            for at, answer in zip(ats, part, strict=True):
                answers[at] = answer
        return answers

    def _picker(self, selection: Selection) -> Picker:
        """The function of a plain selection, made once per request."""
        found = self._pickers.get(id(selection))
        if found is None:
            found = self._pickers[id(selection)] = picker(selection, self._absent)
        return found

    def _absent(self, type_name: str, body: dict[str, Any], pick: Pick) -> Any:
        return self.value(Node(type_name, body), pick)

    def _referred(self, values: Sequence[Any], selection: Selection, *, nullable: bool) -> list[Any]:
        nodes = [value if isinstance(value, Node) else Node(selection.type_name, value) for value in values]
        gone: set[int] = set()
        if is_referred(selection.type_name):
            gone = self._complete(nodes, selection)
        answers = self.project(nodes, selection)
        if not nullable:
            return list(answers)
        return [None if at in gone else answer for at, answer in enumerate(answers)]

    def _complete(self, nodes: list[Node], selection: Selection) -> set[int]:
        """Read the rows of nodes that a body only names, when more is picked than it holds; says which are gone."""
        wanted = [pick.name for pick in selection.picks if pick.name not in ("id", "__typename")]
        short = [
            at
            for at, node in enumerate(nodes)
            if node.gid and node.created_at is None and any(name not in node.body for name in wanted)
        ]
        if not short:
            return set()
        rows = self.reader.nodes([nodes[at].gid or "" for at in short])
        gone: set[int] = set()
        for at in short:
            row = rows.get(nodes[at].gid or "")
            if row is not None:
                inline = nodes[at].body
                nodes[at] = node_of(row)
                nodes[at].body.update(inline)
            elif set(nodes[at].body) <= {"id"}:
                gone.add(at)
        return gone

    def _connections(self, nodes: Sequence[Node], pick: Pick, connection: Connection) -> list[dict[str, Any]]:
        """One page per node: items are gathered per node, then projected together."""
        pages = [self._page(node, pick) for node in nodes]
        connection.largest = max([connection.largest, *(len(items) for items, _ in pages)])
        return self.shape([items for items, _ in pages], [more for _, more in pages], pick, connection)

    def shape(
        self, pages: Sequence[Sequence[Node]], more: Sequence[bool], pick: Pick, connection: Connection
    ) -> list[dict[str, Any]]:
        """Connections as they are sent, one per page of nodes; `more` says whether a next page is there."""
        flat = [item for items in pages for item in items]
        parts: dict[int, list[Any]] = {
            id(inner): self._inside(flat, inner, nullable=False) for inner in connection.inners()
        }
        answers: list[dict[str, Any]] = []
        start = 0
        for items, further in zip(pages, more, strict=True):
            end = start + len(items)
            answer: dict[str, Any] = dict.fromkeys(connection.typenames, f"{connection.node_type}Connection")
            for key, inner in connection.nodes:
                answer[key] = parts[id(inner)][start:end]
            for key, wanted in connection.edges:
                answer[key] = [self._edge(item, start + at, wanted, parts) for at, item in enumerate(items)]
            for key, infos in connection.page_infos:
                values = page_info(items, further, pick.arguments)
                answer[key] = {alias: values[name] for alias, name in infos}
            answers.append(answer)
            start = end
        return answers

    def _edge(
        self, item: Node, at: int, wanted: list[tuple[str, str, Inner | None]], parts: dict[int, list[Any]]
    ) -> dict[str, Any]:
        return {key: item.cursor if inner is None else parts[id(inner)][at] for key, _, inner in wanted}

    def _page(self, node: Node, pick: Pick) -> tuple[list[Node], bool]:
        size = pick.size
        backwards = bool(pick.arguments.get("reverse")) == pick.forwards
        place = decode_cursor(pick.cursor) if pick.cursor else None
        inline = self.inline_items(node, pick)
        if inline is not None:
            items = inline[::-1] if backwards else inline
            if place is not None:
                items = [i for i in items if (i.position < place[0] if backwards else i.position > place[0])]
            items = items[: size + 1]
        elif node.gid is None:
            items = []
        elif (node.type, pick.name) == ("Location", "inventoryLevels"):
            items = self._levels(node.gid, pick, place[0] if place else None)
        else:
            rows = self.reader.some_children(
                node.gid,
                stored_connection(node.type, pick.name),
                limit=size + 1,
                after=(place[0], place[1]) if place else None,
                descending=backwards,
            )
            items = [as_child(row, node.type, pick.name) for row in rows]
        kept = items[:size]
        return kept if pick.forwards else kept[::-1], len(items) > size

    def _levels(self, location: str, pick: Pick, after: str | None) -> list[Node]:
        """Stock at a location, forwards only, one more than a page holds."""
        condition = condition_of("InventoryLevel", pick.arguments.get("query"))
        found = self.reader.levels_at(
            location, where=condition.sql, values=condition.values, after=after, limit=pick.size + 1
        )
        items = [node_of(row) for row in found]
        for item in items:
            item.position = item.gid
        return items

    def inline_items(self, node: Node, pick: Pick) -> list[Node] | None:
        """The items of a connection that a body keeps as a list (or that are derived from it); None for children."""
        found = node.body.get(pick.name)
        if not isinstance(found, list):
            derive = DERIVED.get((node.type, pick.name)) or DERIVED.get(("*", pick.name))
            if derive is None:
                return None
            found = derive(node, pick.arguments)
        items: list[Node] = []
        for at, body in enumerate(found or ()):
            kind = body.get("__typename") or (pick.connection.node_type if pick.connection else pick.type_name)
            item = Node(kind, body)
            item.position = at
            items.append(item)
        return items


def _derivation(nodes: Sequence[Node], name: str) -> Any:
    """How a field of these nodes is derived, if it is; nodes of one batch are of one type."""
    return (nodes and (DERIVED.get((nodes[0].type, name)) or DERIVED.get(("*", name)))) or None
