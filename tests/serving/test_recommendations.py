"""What shoppers are shown: from the tenant's own champion, only what is on sale, with reasons; and it can be given again."""

from __future__ import annotations

from tests.serving.conftest import SUBJECT, World
from varai.learning.answers import replay

URL = "/v1/recommendations"


def test_a_customer_is_shown_what_is_on_sale(world: World, bearer: dict[str, str]) -> None:
    answer = world.eu.get(URL, headers={**bearer, "Varai-Subject": SUBJECT}, params={"explore": 0})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [one["product"] for one in body["items"]]
    print(body)
    again = replay(world.scope("eu", "northwind-eu"), body["answer_id"])
    assert [one.score for one in again.items] == [one["score"] for one in body["items"]]
