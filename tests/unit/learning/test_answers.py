"""An answer's id gives the same answer again, bit for bit; and opens for nobody else."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.shelves import NOW, bundle
from varai.kernel import Gone, Malformed, Misconfigured, Scope
from varai.learning.answers import Answers, Given, owner, replay
from varai.learning.bundle import Stored, store
from varai.learning.eligibility import OnSale, keep, lay
from varai.learning.recommend import Asked, Shown
from varai.settings import Settings
from varai.stores import objects

SUBJECT = f"{7:032x}"
ITEMS = [f"shop/p{number}" for number in range(80)]
STATE = OnSale(
    "northwind-eu", tuple((item, 100_000_000 + place) for place, item in enumerate(sorted(ITEMS)) if place % 3)
)


class Shop:
    """A tenant that answers."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.bundle = bundle(scope, sorted(ITEMS), {SUBJECT: [1, 2, 3]}, created_at=(NOW,) * len(ITEMS))
        self.stored: Stored = store(scope, self.bundle)
        keep(scope, STATE, NOW)
        self.eligible = lay(STATE, self.bundle)
        self.answers = Answers(scope, "recommender", "3", self.stored.bundle_id)

    def give(self, asked: Asked) -> Given:
        return self.answers.give(self.bundle, self.eligible, asked)


@pytest.fixture
def shop(settings_of_two: Settings) -> Shop:
    return Shop(settings_of_two.scope("eu", "northwind-eu"))


def bits(items: tuple[Shown, ...]) -> list[tuple[str, bytes, str, bool]]:
    return [(one.item, struct.pack("<d", one.score), one.reason, one.explored) for one in items]


ITEM = st.sampled_from([*ITEMS, "p4", "shop/unknown"])
ASKED = st.builds(
    Asked,
    subject=st.sampled_from([SUBJECT, "f" * 32, None]),
    viewed=st.lists(ITEM, max_size=70).map(tuple),
    product=st.none() | ITEM,
    similar=st.booleans(),
    again=st.booleans(),
    limit=st.integers(1, 60),
    filters=st.dictionaries(
        st.sampled_from(["shape", "colour"]), st.sampled_from([("round",), ("round", "red"), ("blue",)]), max_size=2
    ),
    explore=st.sampled_from([0.0, 0.1, 0.9]),
)


@given(asked=ASKED)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_is_given_again_bit_for_bit(shop: Shop, asked: Asked) -> None:
    first = shop.give(asked)
    again = replay(shop.scope, first.answer_id)
    assert bits(again.items) == bits(first.items)
    assert (again.model, again.version, again.bundle_id) == ("recommender", "3", shop.stored.bundle_id)
    assert (again.snapshot_id, again.digest) == ("snapshot-1", STATE.digest)
    assert (again.asked.subject, again.asked.limit) == (asked.subject, asked.limit)


def test_the_id_tells_nobody_whom_it_was_for(shop: Shop) -> None:
    answer_id = shop.give(Asked(subject=SUBJECT)).answer_id
    raw = base64.urlsafe_b64decode(answer_id + "=" * (-len(answer_id) % 4))
    assert SUBJECT.encode() not in raw
    assert shop.give(Asked(subject=SUBJECT)).answer_id != answer_id


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_id_with_a_turned_bit_is_none(shop: Shop, place: int, bit: int) -> None:
    answer_id = shop.give(Asked()).answer_id
    raw = bytearray(base64.urlsafe_b64decode(answer_id + "=" * (-len(answer_id) % 4)))
    raw[place % len(raw)] ^= 1 << bit
    with pytest.raises(Malformed):
        replay(shop.scope, base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="))


@pytest.mark.parametrize("answer_id", ["", "x", "é", "=" * 9, "A" * 100_000, "../../secrets", "\x00"])
def test_what_is_no_id_is_said_to_be_none(shop: Shop, answer_id: str) -> None:
    with pytest.raises(Malformed):
        replay(shop.scope, answer_id)


def test_another_tenant_cannot_open_it(settings_of_two: Settings, shop: Shop) -> None:
    answer_id = shop.give(Asked(subject=SUBJECT)).answer_id
    for region, tenant in (("eu", "brillen-haus"), ("us", "northwind-us"), ("us", "northwind-eu")):
        with pytest.raises(Malformed):
            replay(settings_of_two.scope(region, tenant), answer_id)
    everybody = [settings_of_two.scope(*one) for one in (("us", "northwind-eu"), ("eu", "northwind-eu"))]
    assert owner(everybody, answer_id) == everybody[1]
    with pytest.raises(Malformed):
        owner(everybody[:1], answer_id)
    with pytest.raises(Misconfigured):
        replay(settings_of_two.scope("eu"), answer_id)


def test_what_was_swept_is_gone(shop: Shop) -> None:
    answer_id = shop.give(Asked()).answer_id
    objects(shop.scope).delete(f"eligibility/northwind-eu/{STATE.digest}.json")
    with pytest.raises(Gone):
        replay(shop.scope, answer_id)
    keep(shop.scope, STATE, NOW)
    assert replay(shop.scope, answer_id).items
    objects(shop.scope).delete(shop.stored.key)
    with pytest.raises(Gone):
        replay(shop.scope, answer_id)
