"""The simulated schema says nothing that Shopify's own schemas do not say."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
    print_type,
    validate_schema,
)

from sandbox.vendors.shopify.admin import load_schema


@pytest.fixture(scope="module", params=["2026-07", "2026-10"])
def official(request: pytest.FixtureRequest, shared_data: Path) -> GraphQLSchema:
    path = shared_data / "specs" / f"shopify_admin_{request.param}.introspection.json.gz"
    if not path.exists():
        pytest.skip(f"The official introspection {path.name} is not at hand.")
    return build_client_schema(json.loads(gzip.decompress(path.read_bytes()))["data"], assume_valid=True)


def strangers(ours: GraphQLSchema, official: GraphQLSchema) -> list[str]:
    """What `ours` has that the official schema has not, or has otherwise."""
    found = []
    for name, kind in ours.type_map.items():
        if name.startswith("__"):
            continue
        theirs = official.type_map.get(name)
        if type(theirs) is not type(kind):
            found.append(f"type {name}")
        elif isinstance(kind, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
            found += [f"{name}.{value}" for value in kind.values if value not in theirs.values]
        elif isinstance(kind, GraphQLUnionType) and isinstance(theirs, GraphQLUnionType):
            names = {member.name for member in theirs.types}
            found += [f"{name}: {member.name}" for member in kind.types if member.name not in names]
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
            known = {interface.name for interface in theirs.interfaces}
            found += [f"{name}: {i.name}" for i in kind.interfaces if i.name not in known]
            for field_name, field in kind.fields.items():
                found += field_strangers(f"{name}.{field_name}", field, theirs.fields.get(field_name))
    return found


def field_strangers(path: str, ours: GraphQLField, theirs: GraphQLField | None) -> list[str]:
    if theirs is None or str(theirs.type) != str(ours.type):
        return [path]
    found: list[str] = []
    for name, argument in ours.args.items():
        official: Any = theirs.args.get(name)
        if official is None or str(official.type) != str(argument.type):
            found.append(f"{path}({name})")
        elif official.default_value != argument.default_value:
            found.append(f"{path}({name}) default")
    # an argument left out must be one that callers may leave out
    found += [f"{path} lacks {n}" for n, a in theirs.args.items() if n not in ours.args and str(a.type).endswith("!")]
    return found


def test_is_a_valid_schema() -> None:
    assert validate_schema(load_schema()) == []


def test_is_a_subset_of_the_official_schemas(official: GraphQLSchema) -> None:
    assert strangers(load_schema(), official) == []


def test_a_planted_stranger_is_found(official: GraphQLSchema) -> None:
    ours = load_schema()
    product = ours.type_map["Product"]
    assert isinstance(product, GraphQLObjectType)
    product.fields["bestSeller"] = product.fields["title"]
    product.fields["title"] = product.fields["vendor"].__class__(ours.type_map["Int"])
    assert strangers(ours, official) == ["Product.title", "Product.bestSeller"]


def test_the_currency_enum_is_whole(official: GraphQLSchema) -> None:
    assert print_type(load_schema().type_map["WeightUnit"]).count("\n") == 5
    currencies = load_schema().type_map["CurrencyCode"]
    assert isinstance(currencies, GraphQLEnumType)
    assert {"USD", "GBP", "EUR", "XXX"} <= set(currencies.values)
