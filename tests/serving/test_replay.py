"""`varai models replay` gives an answer of serving again, byte for byte, and says what to do where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.serving.conftest import NOW, SUBJECT, World
from tests.serving.shelves import bundle, stock
from varai.cli import app
from varai.learning.answers import Answers
from varai.learning.bundle import store
from varai.learning.eligibility import keep, lay, on_sale
from varai.learning.recommend import Asked
from varai.privacy import Ledger
from varai.stores import objects

Run = Callable[..., Result]
URL = "/v1/recommendations"


@pytest.fixture
def replayed(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `varai models replay` with these arguments, beside the app."""
    monkeypatch.setenv("VARAI_HOME", str(world.settings.home))
    monkeypatch.setenv("VARAI_DATABASE", world.settings.database)
    for region, one in world.settings.stores.items():
        monkeypatch.setenv(f"VARAI_STORES__{region.upper()}__DOCUMENTS_URI", str(one.documents_uri))
    return lambda *arguments: CliRunner().invoke(app, ["models", "replay", *arguments])


def items(told: bytes) -> bytes:
    return told[told.index(b'"items":') :].rstrip()


@pytest.mark.parametrize(
    ("url", "named", "asked"),
    [
        (URL, {}, {}),
        (URL, {"Varai-Subject": SUBJECT}, {"explore": 0.9, "again": True}),
        (URL, {"Varai-Subject": SUBJECT}, {"product": "shop/p2", "explore": 0}),
        (URL, {}, {"viewed": ["shop/p1", "p2", "unknown"], "limit": 3}),
        (URL, {}, {"shape": "round", "price_to": "500.00"}),
        ("/v1/similar/shop/p2", {}, {"limit": 2}),
    ],
)
def test_a_replayed_answer_is_the_served_one_byte_for_byte(
    world: World, bearer: dict[str, str], replayed: Run, url: str, named: dict[str, str], asked: dict[str, Any]
) -> None:
    served = world.eu.get(url, headers={**bearer, **named}, params=asked)
    assert served.json()["items"]
    again = replayed(served.json()["answer_id"], "--json")
    assert again.exit_code == 0, again.output
    assert items(again.stdout_bytes) == items(served.content)
    assert again.stdout_bytes.startswith(b'{"region":"eu","tenant":"northwind-eu","model":"recommender","version":"1"')


def test_a_person_reads_what_it_was_made_from_and_why(world: World, bearer: dict[str, str], replayed: Run) -> None:
    served = world.eu.get(URL, headers=bearer, params={"explore": 0}).json()
    told = replayed(served["answer_id"], "--region", "eu").stdout
    assert "region=eu tenant=northwind-eu model=recommender version=1" in told
    for place, one in enumerate(served["items"], 1):
        assert f"{place:>3}  {one['score']!r:<24}  {one['feed']}/{one['product']}  {one['reason']}" in told


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (("not an id",), "it is not base64url. cure: Pass `answer_id` of an answer whole."),
        (("A" * 80,), "or its id was altered. cure: Pass `answer_id` of an answer as it is"),
        (("{id}", "--region", "us"), "look in the region and tenant that gave it"),
        (("{id}", "--region", "eu", "--tenant", "brillen-haus"), "look in the region and tenant that gave it"),
        (("{id}", "--tenant", "nobody"), "There is no tenant 'nobody' in any region. cure: See `varai feeds list`."),
    ],
)
def test_what_cannot_be_replayed_is_said_with_its_cure(
    world: World, bearer: dict[str, str], replayed: Run, arguments: tuple[str, ...], cure: str
) -> None:
    given = world.eu.get(URL, headers=bearer).json()["answer_id"]
    found = replayed(*(one.replace("{id}", given) for one in arguments))
    assert found.exit_code == 1
    assert cure in " ".join(found.stderr.split())


def test_what_was_deleted_since_is_named(world: World, replayed: Run) -> None:
    scope, forgotten = world.scope("us", "northwind-us"), f"{0:032x}"
    made = bundle(scope, ["replay/p0", "replay/p1"], {forgotten: [0], f"{1:032x}": [1]}, snapshot_id="of-replay")
    stored = store(scope, made)
    stock(scope, "replay", {"p0": 1, "p1": 1})
    state = on_sale(scope, NOW)
    keep(scope, state, NOW)
    answers = Answers(scope, "recommender", "7", stored.bundle_id)
    ids = [
        answers.give(made, lay(state, made), Asked(subject=each)).answer_id for each in (forgotten, f"{1:032x}", None)
    ]
    assert [replayed(each).exit_code for each in ids] == [0, 0, 0]
    Ledger(scope).add(forgotten, "asked to")
    assert "asked to be forgotten" in replayed(ids[0]).stderr
    assert replayed(ids[1]).exit_code == 0
    objects(scope).delete(f"eligibility/northwind-us/{state.digest}.json")
    assert "What was on sale when this answer was given" in replayed(ids[2]).stderr
    objects(scope).delete(stored.key)
    assert f"Version 7 of recommender (bundle {stored.bundle_id}), which gave this answer, was deleted." in " ".join(
        replayed(ids[2]).stderr.split()
    )
