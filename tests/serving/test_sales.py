"""The report equals the published mart, says what it does not know, and never starts a formula."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest

from serving.answers import cell
from tests.serving.conftest import World

URL = "/v1/reports/sales"
ALL = {"from": "2026-10-01", "to": "2026-11-30"}
NOTHING = {"count": 0, "value_minor": {}, "value": {}, "unknown_value": 0}


def test_months_sum_days_and_currencies_stay_apart(world: World, bearer: dict[str, str]) -> None:
    found = world.eu.get(URL, params={**ALL, "grain": "month"}, headers=bearer).json()
    rows = {(row["period"], row["currency"]): row for row in found["rows"]}
    assert list(rows) == [("2026-10-01", "EUR"), ("2026-11-01", "EUR"), ("2026-10-01", "JPY"), ("2026-11-01", "JPY")]
    november = rows["2026-11-01", "EUR"]
    assert (november["orders"], november["returns"], november["returns_minor"]) == (1, "185.00", 18500)
    assert (november["net"], november["total_minor"]) == ("-85.00", -10616)
    assert rows["2026-11-01", "JPY"]["gross"] == "12345"
    assert list(november)[:4] == ["period", "currency", "orders", "units"]


def test_days_without_sales_are_zero_and_days_before_the_first_are_unknown(
    world: World, bearer: dict[str, str]
) -> None:
    found = world.eu.get(URL, params={**ALL, "feed": "shop"}, headers=bearer).json()
    periods = [row["period"] for row in found["rows"]]
    days = (date(2026, 11, 10) - date(2026, 10, 30)).days + 1
    assert periods == [date.fromordinal(date(2026, 10, 30).toordinal() + day).isoformat() for day in range(days)]
    assert found["covers"] == {"from": "2026-10-30", "to": "2026-11-10"}
    empty = next(row for row in found["rows"] if row["period"] == "2026-10-31")
    assert (empty["orders"], empty["gross"], empty["total_minor"]) == (0, "0.00", 0)


def test_weeks_begin_on_monday(world: World, bearer: dict[str, str]) -> None:
    found = world.eu.get(URL, params={**ALL, "grain": "week", "feed": "shop"}, headers=bearer).json()
    assert [row["period"] for row in found["rows"]] == ["2026-10-26", "2026-11-02", "2026-11-09"]
    assert [row["orders"] for row in found["rows"]] == [3, 0, 0]


def test_a_period_cut_by_the_question_holds_only_what_was_asked(world: World, bearer: dict[str, str]) -> None:
    asked = {"from": "2026-11-02", "to": "2026-11-02", "grain": "month"}
    found = world.eu.get(URL, params=asked, headers=bearer).json()
    assert [(row["period"], row["total"]) for row in found["rows"] if row["currency"] == "EUR"] == [
        ("2026-11-01", "-115.08")
    ]


def test_beside_the_figures_stands_where_they_come_from(world: World, bearer: dict[str, str]) -> None:
    found = world.eu.get(URL, params=ALL, headers=bearer).json()
    assert found["as_of"] == "2026-11-10T12:00:00+00:00"
    assert found["history_from"].startswith("2026-10-30")
    assert found["withheld"] == {
        "orders": 2,
        "value_minor": {"EUR": 12345},
        "value": {"EUR": "123.45"},
        "unknown_value": 1,
        **dict.fromkeys(("order_lines", "refunds", "refund_lines"), NOTHING),
        "returns": {
            "count": 3,
            "value_minor": {"EUR": 500, "JPY": 700},
            "value": {"EUR": "5.00", "JPY": "700"},
            "unknown_value": 0,
        },
        "unmappable": 4,
    }
    assert found["definition"]["gross"]["name"] == "gross_sales"
    assert found["definition"].keys() == {key for row in found["rows"] for key in row} - {"period", "currency"} - {
        key for row in found["rows"] for key in row if key.endswith("_minor")
    }


def test_csv_says_the_same_as_json(world: World, bearer: dict[str, str]) -> None:
    json_rows = world.eu.get(URL, params=ALL, headers=bearer).json()["rows"]
    answer = world.eu.get(URL, params=ALL, headers={**bearer, "Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["varai-as-of"] == "2026-11-10T12:00:00+00:00"
    assert json.loads(answer.headers["varai-withheld"])["returns"]["count"] == 3
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [{name: str(value) for name, value in row.items()} for row in json_rows] == rows


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"])
def test_a_text_cell_never_starts_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_numbers_stay_numbers() -> None:
    assert [cell(one) for one in (-5, Decimal("-1.50"), Decimal("1E+3"), None, "plain")] == [
        "-5",
        "-1.50",
        "1000",
        "",
        "plain",
    ]


def test_what_a_client_has_is_not_sent_again(world: World, bearer: dict[str, str]) -> None:
    first = world.eu.get(URL, params=ALL, headers=bearer)
    again = world.eu.get(URL, params=ALL, headers={**bearer, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for other in ({**ALL, "grain": "week"}, {**ALL, "feed": "shop"}, {**ALL, "to": "2026-11-29"}):
        answer = world.eu.get(URL, params=other, headers={**bearer, "If-None-Match": first.headers["etag"]})
        assert answer.status_code == 200
    table = world.eu.get(
        URL, params=ALL, headers={**bearer, "If-None-Match": first.headers["etag"], "Accept": "text/csv"}
    )
    assert table.status_code == 200


@pytest.mark.parametrize(
    ("accept", "status", "media"),
    [
        ("text/csv", 200, "text/csv"),
        ("text/*", 200, "text/csv"),
        ("*/*", 200, "application/json"),
        ("text/csv;q=0.2, application/json;q=0.9", 200, "application/json"),
        ("application/json;q=0, */*", 200, "text/csv"),
        ("image/png", 406, "application/problem+json"),
        ("text/csv;q=0", 406, "application/problem+json"),
    ],
)
def test_the_client_chooses_the_form(
    world: World, bearer: dict[str, str], accept: str, status: int, media: str
) -> None:
    answer = world.eu.get(URL, params=ALL, headers={**bearer, "Accept": accept})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, media)


def test_a_tenant_without_figures_is_told_so(world: World, neighbour: dict[str, str]) -> None:
    answer = world.eu.get(URL, headers=neighbour)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "/docs#problem-not-published"


@pytest.mark.parametrize(
    "asked", [{"from": "2026-11-02", "to": "2026-11-01"}, {"from": "yesterday"}, {"grain": "year"}]
)
def test_a_wrong_parameter_is_named(world: World, bearer: dict[str, str], asked: dict[str, str]) -> None:
    answer = world.eu.get(URL, params=asked, headers=bearer)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["where"].startswith("query.")


@pytest.mark.parametrize("path", [URL, "/v1/products"])
def test_an_unknown_feed_is_refused_with_those_there_are(world: World, bearer: dict[str, str], path: str) -> None:
    answer = world.eu.get(path, params={"feed": "nowhere"}, headers=bearer)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["where"] == "query.feed"
    assert "known: " in error["what"] and "shop" in error["what"]


@pytest.mark.parametrize(
    ("grain", "to", "first"),
    [
        ("month", "2026-11-30", "2026-11-01"),
        ("month", "2026-11-10", "2026-10-01"),
        ("week", "2026-11-10", "2026-10-12"),
        ("day", "2026-11-10", "2026-10-12"),
        ("day", "2026-11-11", "2026-10-13"),
        ("week", "2026-11-11", "2026-10-12"),
        ("week", "0001-01-20", "0001-01-01"),
        ("month", "0001-01-20", "0001-01-01"),
    ],
)
def test_without_a_first_date_no_period_is_a_part_of_one(
    world: World, bearer: dict[str, str], grain: str, to: str, first: str
) -> None:
    found = world.eu.get(URL, params={"grain": grain, "to": to}, headers=bearer).json()
    assert found["from"] == first


def test_amounts_are_in_the_unit_that_their_definition_names(world: World, bearer: dict[str, str]) -> None:
    found = world.eu.get(URL, params=ALL, headers=bearer).json()
    minor = {name.removesuffix("_minor") for name in found["rows"][0] if name.endswith("_minor")}
    assert {name: one["unit"] for name, one in found["definition"].items()} == {
        name: "major" if name in minor else "count" for name in found["definition"]
    }
