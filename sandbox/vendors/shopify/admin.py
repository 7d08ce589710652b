"""The Admin GraphQL endpoint of a shop: one HTTP request in, one HTTP answer out, no sockets here.

graphql-core parses and validates every document against `schema.graphql` (results are kept per document); the answer
is projected from stored rows by `answers.py`. Order of judgement, as with the real API: transport faults, token,
syntax and validation, price of the query, bucket, then the work.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from sandbox.vendors.shopify import cost
from sandbox.vendors.shopify.answers import Request, answer_query
from sandbox.vendors.shopify.bulk import Work, check_bulk
from sandbox.vendors.shopify.errors import ApiError
from sandbox.vendors.shopify.nodes import Node
from sandbox.vendors.shopify.projection import Projector
from sandbox.vendors.shopify.selection import Compiler, Pick, Selection
from sandbox.vendors.shopify.shop import Shop

_KEPT_DOCUMENTS = 200


@dataclass
class Answer:
    """An HTTP answer before transport faults; `cost` and `fields` are for the log."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cost: int = 0
    fields: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A document that was parsed and validated; `errors` are sent as they are when there are any."""

    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    errors: tuple[GraphQLError, ...] = ()


def load_schema() -> GraphQLSchema:
    """The subset schema this simulator executes."""
    return build_schema(files("sandbox.vendors.shopify").joinpath("schema.graphql").read_text("utf-8"))


class Admin:
    """Executes GraphQL for any shop. Safe to use from several threads."""

    def __init__(self) -> None:
        self.schema = load_schema()
        self._documents: OrderedDict[str, Document] = OrderedDict()

    def answer(self, shop: Shop, payload: Mapping[str, Any], scopes: frozenset[str], origin: str) -> Answer:
        """Answer one request; `origin` is how the client reached us, for addresses of bulk files."""
        query, variables = payload.get("query"), payload.get("variables") or {}
        if not isinstance(query, str) or not isinstance(variables, dict):
            return _answer({"errors": [{"message": "query and variables are not understood"}]}, status=400)
        try:
            operation, document, coerced = self._operation(query, variables, payload.get("operationName"))
        except _InvalidDocument as invalid:
            return _answer({"errors": invalid.entries})
        run = _Run(self, shop, scopes, origin, text_of(payload))
        try:
            return run.perform(operation, document.fragments, coerced)
        except ApiError as error:
            return run.refusal(error)

    def _operation(
        self, query: str, variables: dict[str, Any], name: str | None
    ) -> tuple[OperationDefinitionNode, Document, dict[str, Any]]:
        document = self.document(query)
        operations = document.operations
        if not document.errors and (len(operations) == 1 or name in operations):
            operation = operations[name] if name in operations else next(iter(operations.values()))
            coerced = get_variable_values(self.schema, operation.variable_definitions or (), variables)
            if isinstance(coerced, dict):
                return operation, document, coerced
            raise _InvalidDocument([error.formatted for error in coerced])
        if document.errors:
            raise _InvalidDocument([error.formatted for error in document.errors])
        raise _InvalidDocument([{"message": "An operation name is required"}])

    def document(self, query: str) -> Document:
        """The parsed and validated document of a query text."""
        held = self._documents.get(query)
        if held is None:
            held = _checked(self.schema, query)
            self._documents[query] = held
            if len(self._documents) > _KEPT_DOCUMENTS:
                self._documents.popitem(last=False)
        return held


class _InvalidDocument(Exception):
    def __init__(self, entries: list[Any]) -> None:
        super().__init__("invalid document")
        self.entries = entries


def _checked(schema: GraphQLSchema, query: str) -> Document:
    try:
        parsed: DocumentNode = parse(query, max_tokens=20_000)
    except GraphQLError as error:
        return Document({}, {}, (error,))
    errors = tuple(validate(schema, parsed))
    operations = {
        node.name.value if node.name else None: node
        for node in parsed.definitions
        if isinstance(node, OperationDefinitionNode)
    }
    fragments = {node.name.value: node for node in parsed.definitions if isinstance(node, FragmentDefinitionNode)}
    if not operations and not errors:
        errors = (GraphQLError("No operation was sent"),)
    return Document(operations, fragments, errors)


def text_of(payload: Mapping[str, Any]) -> str:
    """What a fault's `match` looks into: the query with its variables."""
    return f"{payload.get('query')} {orjson.dumps(payload.get('variables') or {}).decode()}"


class _Run:
    """One execution: it prices, pays, works, and gives back what was not used."""

    def __init__(self, admin: Admin, shop: Shop, scopes: frozenset[str], origin: str, text: str) -> None:
        self._admin = admin
        self._shop = shop
        self._origin = origin
        self._text = text
        self._requested = 0
        self._request = Request(shop.reader, shop.reader.meta(), scopes, shop.bulk.bodies)

    def perform(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: dict[str, Any],
    ) -> Answer:
        mutates = operation.operation is OperationType.MUTATION
        compiler = Compiler(self._admin.schema, fragments, variables, self._request.scopes)
        selection = compiler.selection("Mutation" if mutates else "QueryRoot", [operation.selection_set], [])
        price = cost.price(selection) if not mutates else cost.MUTATION_COST * len(selection.picks)
        cost.refuse_too_dear(price)
        self._requested = price
        self._pay(price)
        data = self._mutate(selection) if mutates else self._query(selection)
        actual = price if mutates else min(price, cost.price(selection, actual=True))
        self._shop.bucket.give_back(price - actual)
        made: dict[str, Any] = {"data": data}
        if compiler.denials:
            made["errors"] = [denial.entry() for denial in compiler.denials]
        made["extensions"] = self._extensions(actual)
        return _answer(made, cost=actual, fields=[pick.name for pick in selection.picks])

    def refusal(self, error: ApiError) -> Answer:
        """An error inside HTTP 200; a denied field also sends `data: null`."""
        made: dict[str, Any] = {"errors": [error.entry()]}
        if error.extensions["code"] in ("ACCESS_DENIED", "INTERNAL_SERVER_ERROR"):
            made["data"] = None
        made["extensions"] = self._extensions(None)
        return _answer(made)

    def _pay(self, price: int) -> None:
        if self._strikes("throttled"):
            self._shop.bucket.drain()
            raise cost.throttled()
        if not self._shop.bucket.take(price):
            raise cost.throttled()

    def _strikes(self, kind: str) -> bool:
        return self._shop.faults.strike(kind, "graphql", self._text) is not None

    def _delta(self) -> int:
        fault = self._shop.faults.strike("wrong_count", "graphql", self._text)
        return 0 if fault is None else int(fault.options.get("delta", 1))

    def _held_s(self) -> float:
        fault = self._shop.faults.strike("slow_bulk", "graphql", self._text)
        return 0.0 if fault is None else float(fault.options.get("seconds", 1))

    def _query(self, selection: Selection) -> dict[str, Any]:
        if any(pick.name.endswith("Count") for pick in selection.picks):
            self._request.count_delta = self._delta()
        if any(pick.connection is not None for pick in selection.picks):
            self._request.skip_page = self._strikes("missing_page")
        return answer_query(selection, self._request)

    def _mutate(self, selection: Selection) -> dict[str, Any]:
        return {pick.key: self._mutation(pick) for pick in selection.picks}

    def _mutation(self, pick: Pick) -> Any:
        payload: dict[str, Any] = {"bulkOperation": None, "userErrors": []}
        try:
            if pick.name == "bulkOperationCancel":
                payload["bulkOperation"] = self._shop.bulk.cancel(pick.arguments["id"])
                if payload["bulkOperation"] is None:
                    payload["userErrors"] = [{"field": ["id"], "message": "Bulk operation does not exist"}]
            else:
                payload["bulkOperation"] = self._run_bulk(pick.arguments)
        except ApiError as error:
            code = error.extensions["code"]
            if code not in ("INVALID", "LIMIT_REACHED", "OPERATION_IN_PROGRESS"):
                raise
            payload["userErrors"] = [{"field": ["query"], "message": error.message, "code": code}]
        assert pick.inner is not None  # noqa: S101 - payloads are objects
        node = Node(pick.type_name, payload)
        return Projector(self._shop.reader, self._request.facts).project([node], pick.inner.by_type[pick.type_name])[0]

    def _run_bulk(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        query = arguments["query"]
        document = self._admin.document(query)
        if document.errors:
            raise ApiError("; ".join(error.message for error in document.errors), code="INVALID")
        operation = next(iter(document.operations.values()))
        if operation.operation is not OperationType.QUERY:
            raise ApiError("Bulk queries must be queries.", code="INVALID")
        compiler = Compiler(self._admin.schema, document.fragments, {}, self._request.scopes, bulk=True)
        selection = compiler.selection("QueryRoot", [operation.selection_set], [])
        check_bulk(selection)
        if compiler.denials:
            raise compiler.denials[0]
        work = Work(
            query=query,
            selection=selection,
            grouped=bool(arguments.get("groupObjects")),
            request=self._request,
            address=lambda number: self._origin + self._shop.signed_path(number),
            held_s=self._held_s(),
            stuck=self._strikes("stuck_bulk"),
            failed=self._strikes("failed_bulk"),
            count_delta=self._delta(),
        )
        return self._shop.bulk.run(work)

    def _extensions(self, actual: int | None) -> dict[str, Any]:
        made: dict[str, Any] = {
            "cost": {
                "requestedQueryCost": self._requested,
                "actualQueryCost": actual,
                "throttleStatus": self._shop.bucket.status(),
            }
        }
        if self._request.warnings:
            made["search"] = self._request.warnings
        return made


def _answer(made: Mapping[str, Any], *, status: int = 200, cost: int = 0, fields: list[str] | None = None) -> Answer:
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Request-Id": f"{time.time_ns():x}"}
    return Answer(orjson.dumps(made), status, headers, cost, fields or [])
