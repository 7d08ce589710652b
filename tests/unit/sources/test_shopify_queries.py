"""Every question is valid in the vendor's official schemas, of two versions, and in the simulator's."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    NoDeprecatedCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    build_client_schema,
    build_schema,
    parse,
    validate,
    visit,
)

from tests.conftest import REPOSITORY
from varai.sources.shopify import queries
from varai.sources.shopify.streams import STREAMS
from varai.sources.shopify.versions import DEPRECATED


def problems(schema: GraphQLSchema) -> list[str]:
    """What a schema has against our documents."""
    return [
        f"{name}: {error.message}"
        for name, text in queries.DOCUMENTS.items()
        for error in validate(schema, parse(text))
    ]


@pytest.fixture(scope="module", params=["2026-07", "2026-10"])
def official(request: pytest.FixtureRequest, shared_data: Path) -> GraphQLSchema:
    """The vendor's own schema of a version."""
    path = shared_data / "specs" / f"shopify_admin_{request.param}.introspection.json.gz"
    if not path.is_file():
        pytest.skip(f"There is no {path.name} among the real files.")
    found = json.loads(gzip.decompress(path.read_bytes()))
    return build_client_schema(found.get("data", found), assume_valid=True)


def test_documents_are_valid_in_the_official_schema(official: GraphQLSchema) -> None:
    assert problems(official) == []


def deprecated(schema: GraphQLSchema, text: str) -> set[str]:
    """Fields, arguments and values of a document that a schema has marked to go, each by its first words."""
    document, found = parse(text), set[str]()
    types = TypeInfo(schema)
    context = ValidationContext(
        schema, document, types, lambda error: found.add(error.message.partition(" is deprecated")[0])
    )
    visit(document, TypeInfoVisitor(types, NoDeprecatedCustomRule(context)))
    return found


def test_nothing_is_read_that_the_vendor_has_marked_to_go_but_what_we_know_of(official: GraphQLSchema) -> None:
    """An alarm in time: a field is marked in a version or more before it goes."""
    found = set.union(*(deprecated(official, text) for text in queries.DOCUMENTS.values()))
    assert found == {f"The field {name}" for name in DEPRECATED}
    assert deprecated(official, "{ customers(first: 1) { nodes { id email } } }") == {"The field Customer.email"}


def test_documents_are_valid_in_the_simulators_schema() -> None:
    text = (REPOSITORY / "sandbox/vendors/shopify/schema.graphql").read_text("utf-8")
    assert problems(build_schema(text)) == []


def test_a_bulk_query_quotes_its_filter() -> None:
    text = queries.bulk_query("products", "updated_at:<'2026-11-01T00:00:00Z' \"x\"")
    document = parse(text)
    assert "__FILTER__" not in text
    assert r"updated_at:<'2026-11-01T00:00:00Z' \"x\"" in text
    assert len(document.definitions) == 1


def test_every_document_sent_is_listed() -> None:
    listed = set(queries.DOCUMENTS.values())
    public = {name: value for name, value in vars(queries).items() if name.isupper() and not name.startswith("_")}
    sent = {value for value in public.values() if isinstance(value, str) and "{" in value}
    for name in ("PAGE", "CENSUS", "COUNT", "NODES", "DRAIN"):
        sent |= set(public[name].values())
    assert sent <= listed
    assert len(sent) > 15


def test_the_exact_count_is_asked_without_a_limit() -> None:
    assert all("limit: null" in text and "precision" in text for text in queries.COUNT.values())


def test_sealed_streams_are_those_about_people() -> None:
    assert {spec.name for spec in STREAMS if spec.sealed} == {"customers", "orders"}
    assert {spec.name for spec in STREAMS if spec.subject_path} == {"customers", "orders"}
