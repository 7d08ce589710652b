"""Selections: a validated GraphQL operation becomes a tree of picks, made once per request.

In: the operation's syntax tree, its variables, the scopes granted to the token.
Out: `Selection` per object type (what to pick, with arguments coerced), ready for projection over stored rows.

This replaces graphql-core's resolver per field: documents are parsed and validated by graphql-core against the schema,
then a page of objects is projected pick by pick, which is what makes 250 products with variants a matter of
milliseconds. Types are never resolved by calling Python functions of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import get_argument_values, get_directive_values
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective

from sandbox.vendors.shopify.errors import AccessDenied, ApiError

SCOPE_OF_TYPE = {
    "Product": "read_products",
    "ProductVariant": "read_products",
    "ProductConnection": "read_products",
    "ProductVariantConnection": "read_products",
    "InventoryItem": "read_inventory",
    "InventoryItemConnection": "read_inventory",
    "InventoryLevel": "read_inventory",
    "InventoryLevelConnection": "read_inventory",
    "Location": "read_locations",
    "LocationConnection": "read_locations",
    "Order": "read_orders",
    "OrderConnection": "read_orders",
    "Refund": "read_orders",
    "Customer": "read_customers",
    "CustomerConnection": "read_customers",
    "ShopifyPaymentsAccount": "read_shopify_payments_accounts",
    "ShopifyPaymentsPayoutConnection": "read_shopify_payments_payouts",
    "ShopifyPaymentsDisputeConnection": "read_shopify_payments_disputes",
}
_SCOPE_OF_COUNT = {
    "productsCount": "read_products",
    "productVariantsCount": "read_products",
    "locationsCount": "read_locations",
    "ordersCount": "read_orders",
    "customersCount": "read_customers",
}
LARGEST_PAGE = 250


@dataclass(slots=True)
class Pick:
    """One field of the answer: its response key, its arguments and, for objects, what to pick inside."""

    key: str
    name: str
    owner: str
    arguments: dict[str, Any]
    type_name: str
    nullable: bool
    listed: bool
    leaf: bool
    denied: bool = False
    inner: Inner | None = None
    connection: Connection | None = None

    @property
    def forwards(self) -> bool:
        """Whether a connection is read from its front (first, after) or its back (last, before)."""
        return "first" in self.arguments

    @property
    def size(self) -> int:
        """How many nodes a page of this connection may hold."""
        return int(self.arguments["first"] if self.forwards else self.arguments.get("last", 0))

    @property
    def cursor(self) -> str | None:
        """Beyond which place the page starts."""
        found: str | None = self.arguments.get("after" if self.forwards else "before")
        return found


@dataclass(slots=True)
class Selection:
    """What is picked of one concrete object type; `plain` when a dict alone answers it (no rows, no arguments)."""

    type_name: str
    picks: list[Pick]
    plain: bool = False


@dataclass(slots=True)
class Inner:
    """The selections of an object field, one per concrete type it may have."""

    declared: str
    by_type: dict[str, Selection]


@dataclass(slots=True)
class Connection:
    """A connection field: its page arguments and which of nodes, edges and pageInfo are asked for."""

    node_type: str
    nodes: list[tuple[str, Inner]] = field(default_factory=list)
    edges: list[tuple[str, list[tuple[str, str, Inner | None]]]] = field(default_factory=list)
    page_infos: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    typenames: list[str] = field(default_factory=list)
    largest: int = 0
    """The most children any parent returned, for the actual cost."""

    def inners(self) -> list[Inner]:
        """The selections of the connection's nodes, wherever they are asked for."""
        found = [inner for _, inner in self.nodes]
        return found + [inner for _, parts in self.edges for _, _, inner in parts if inner is not None]


class Compiler:
    """Makes selections of one operation. Raises ApiError for what the real API refuses beyond validation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: dict[str, Any],
        scopes: frozenset[str],
        *,
        bulk: bool = False,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._scopes = scopes
        self._bulk = bulk
        self.denials: list[AccessDenied] = []

    def selection(self, type_name: str, sets: Sequence[SelectionSetNode], path: list[str]) -> Selection:
        """The selection of a concrete object type."""
        owner = self._schema.type_map[type_name]
        assert isinstance(owner, GraphQLObjectType)  # noqa: S101 - a fact of the schema, not of the input
        picks = [self._pick(owner, key, nodes, [*path, key]) for key, nodes in self._fields(type_name, sets).items()]
        plain = all(_is_plain(pick) for pick in picks)
        return Selection(type_name, picks, plain)

    def _fields(self, type_name: str, sets: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        for chosen in sets:
            self._collect(type_name, chosen, found)
        return found

    def _collect(self, type_name: str, chosen: SelectionSetNode, found: dict[str, list[FieldNode]]) -> None:
        for node in chosen.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            fragment: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
            else:
                assert isinstance(node, InlineFragmentNode)  # noqa: S101 - the only kind left
                fragment = node
            condition = getattr(fragment.type_condition, "name", None)  # an inline fragment may have none
            if condition is None or self._applies(condition.value, type_name):
                self._collect(type_name, fragment.selection_set, found)

    def _included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip is not None and skip["if"]) and (include is None or bool(include["if"]))

    def _applies(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        wanted, actual = self._schema.type_map[condition], self._schema.type_map[type_name]
        return (
            isinstance(wanted, GraphQLInterfaceType | GraphQLUnionType)
            and isinstance(actual, GraphQLObjectType)
            and self._schema.is_sub_type(wanted, actual)
        )

    def _pick(self, owner: GraphQLObjectType, key: str, nodes: list[FieldNode], path: list[str]) -> Pick:
        name = nodes[0].name.value
        if name == "__typename":
            return Pick(key, name, owner.name, {}, "String", nullable=False, listed=False, leaf=True)
        definition = owner.fields[name]
        type_name, nullable, listed = _shape(definition.type)
        arguments = self._arguments(definition, nodes[0], name, type_name)
        sets = [node.selection_set for node in nodes if node.selection_set]
        pick = Pick(key, name, owner.name, arguments, type_name, nullable, listed, leaf=not sets)
        scope = SCOPE_OF_TYPE.get(type_name) or _SCOPE_OF_COUNT.get(name)
        if scope is not None and scope not in self._scopes:
            denial = AccessDenied(name, scope, path)
            if not nullable:
                raise denial
            self.denials.append(denial)
            pick.denied = True
        elif type_name.endswith("Connection"):
            pick.connection = self._connection(type_name, sets, path)
        elif sets:
            pick.inner = self._inner(type_name, sets, path)
        return pick

    def _arguments(self, definition: GraphQLField, node: FieldNode, name: str, type_name: str) -> dict[str, Any]:
        arguments = get_argument_values(definition, node, self._variables) if definition.args else {}
        if not type_name.endswith("Connection"):
            return arguments
        arguments = {key: value for key, value in arguments.items() if value is not None}
        if self._bulk:
            return arguments
        size = arguments.get("first", arguments.get("last"))
        if size is None:
            raise ApiError(f"you must provide one of first or last for {name}", code="BAD_REQUEST")
        if not 0 <= size <= LARGEST_PAGE:
            raise ApiError(f"first and last of {name} must be between 0 and {LARGEST_PAGE}", code="BAD_REQUEST")
        return arguments

    def _inner(self, type_name: str, sets: list[SelectionSetNode], path: list[str]) -> Inner:
        declared = self._schema.type_map[type_name]
        if isinstance(declared, GraphQLInterfaceType | GraphQLUnionType):
            concrete = [possible.name for possible in self._schema.get_possible_types(declared)]
        else:
            concrete = [type_name]
        return Inner(type_name, {name: self.selection(name, sets, path) for name in concrete})

    def _connection(self, type_name: str, sets: list[SelectionSetNode], path: list[str]) -> Connection:
        kind = self._schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - a fact of the schema
        node_type = _shape(kind.fields["nodes"].type)[0]
        made = Connection(node_type)
        for key, nodes in self._fields(type_name, sets).items():
            name = nodes[0].name.value
            inside = [node.selection_set for node in nodes if node.selection_set]
            if name == "nodes":
                made.nodes.append((key, self._inner(node_type, inside, [*path, key])))
            elif name == "edges":
                made.edges.append((key, self._edge(type_name, node_type, inside, [*path, key])))
            elif name == "pageInfo":
                infos = self._fields("PageInfo", inside)
                made.page_infos.append((key, [(alias, found[0].name.value) for alias, found in infos.items()]))
            else:
                made.typenames.append(key)
        return made

    def _edge(
        self, type_name: str, node_type: str, sets: list[SelectionSetNode], path: list[str]
    ) -> list[tuple[str, str, Inner | None]]:
        parts: list[tuple[str, str, Inner | None]] = []
        edge_type = type_name.removesuffix("Connection") + "Edge"
        for key, nodes in self._fields(edge_type, sets).items():
            inside = [node.selection_set for node in nodes if node.selection_set]
            inner = self._inner(node_type, inside, [*path, key]) if inside else None
            parts.append((key, nodes[0].name.value, inner))
        return parts


def _shape(declared: GraphQLOutputType) -> tuple[str, bool, bool]:
    """The named type, whether the field may be null, whether it is a list."""
    nullable = not is_non_null_type(declared)
    bare = declared.of_type if isinstance(declared, GraphQLNonNull) else declared
    return get_named_type(declared).name, nullable, is_list_type(bare)


_REFERRED = frozenset(
    {
        "Product",
        "ProductVariant",
        "Customer",
        "Order",
        "Location",
        "InventoryItem",
        "InventoryLevel",
        "LineItem",
        "ShippingLine",
        "Refund",
        "OrderTransaction",
    }
)


def is_referred(type_name: str) -> bool:
    """Whether objects of this type may be stored elsewhere and only named by their id in a body."""
    return type_name in _REFERRED


def _is_plain(pick: Pick) -> bool:
    if pick.connection is not None or pick.arguments or pick.denied or is_referred(pick.type_name):
        return False
    if pick.inner is None:
        return True
    return all(selection.plain for selection in pick.inner.by_type.values())
