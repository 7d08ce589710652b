"""The catalogue by pages: whole, in order, without scripts."""

from __future__ import annotations

from dataclasses import fields

import pytest

from serving.routes.products import Filters
from tests.serving.conftest import World
from varai.catalogue import FILTERS

URL = "/v1/products"


def test_pages_give_every_product_once(world: World, bearer: dict[str, str]) -> None:
    found: list[str] = []
    after = None
    for _ in range(3):
        page = world.eu.get(URL, params={"limit": 2, **({"after": after} if after else {})}, headers=bearer).json()
        found += [one["id"] for one in page["items"]]
        after = page["next"]
    assert (found, after) == (["p0", "p1", "p2", "p3", "p4"], None)


def test_third_party_text_is_safe_to_show(world: World, bearer: dict[str, str]) -> None:
    product = world.eu.get(URL, params={"limit": 1}, headers=bearer).json()["items"][0]
    html = product["description_html"]
    assert "Round &amp; light" in html
    assert not [evil for evil in ("script", "onclick", "javascript:", "alert") if evil in html]
    assert [image["url"] for image in product["images"]] == [None, "https://pictures.example.com/1.jpg"]


def test_prices_are_decimal_text(world: World, bearer: dict[str, str]) -> None:
    product = world.eu.get(URL, params={"limit": 1}, headers=bearer).json()["items"][0]
    assert product["variants"][0]["price"] == "129.90"
    assert "unit_cost" not in product["variants"][0]


def test_every_filter_of_the_catalogue_is_offered() -> None:
    assert {each.name for each in fields(Filters)} == set(FILTERS)


def test_filters_are_exact(world: World, bearer: dict[str, str]) -> None:
    page = world.eu.get(URL, params={"status": "draft"}, headers=bearer).json()
    assert [one["id"] for one in page["items"]] == ["p4"]
    assert world.eu.get(URL, params={"brand": "Nor"}, headers=bearer).json()["items"] == []


def test_an_unchanged_catalogue_is_not_sent_again(world: World, bearer: dict[str, str]) -> None:
    first = world.eu.get(URL, headers=bearer)
    again = world.eu.get(URL, headers={**bearer, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = world.eu.get(URL, params={"limit": 2}, headers={**bearer, "If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("asked", [{"after": "???"}, {"limit": "0"}, {"limit": "251"}, {"gift_card": "perhaps"}])
def test_a_wrong_parameter_is_a_problem(world: World, bearer: dict[str, str], asked: dict[str, str]) -> None:
    answer = world.eu.get(URL, params=asked, headers=bearer)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_another_tenant_sees_none_of_it(world: World, neighbour: dict[str, str]) -> None:
    assert world.eu.get(URL, headers=neighbour).json()["items"] == []
