"""Words are frozen, windows are half-open and ordered, batch ids name exactly one landing."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from varai.kernel import Feed, FeedKey, Throttled, VaraiError, Window, batch_id

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@given(st.timedeltas(min_value=timedelta(0)))
def test_a_window_must_end_after_it_starts(back: timedelta) -> None:
    with pytest.raises(ValidationError):
        Window(start=NOW, end=NOW - min(back, timedelta(days=10_000)))


def test_a_feed_refuses_unknown_keys_and_unsafe_names() -> None:
    good = {"tenant": "a", "name": "shop", "connector": "shopify", "base_url": "http://127.0.0.1", "secret": "a-shop"}
    assert Feed(**good).key == FeedKey("a", "shop")
    for wrong in ({"surprise": 1}, {"tenant": "../etc"}, {"name": "A"}, {"secret": "a/b"}):
        with pytest.raises(ValidationError):
            Feed(**{**good, **wrong})


def test_batch_ids_differ_in_every_part() -> None:
    window, other = Window(start=None, end=NOW), Window(start=NOW - timedelta(days=1), end=NOW)
    ids = {
        batch_id(FeedKey("a", "shop"), "orders", window, "00"),
        batch_id(FeedKey("b", "shop"), "orders", window, "00"),
        batch_id(FeedKey("a", "two"), "orders", window, "00"),
        batch_id(FeedKey("a", "shop"), "products", window, "00"),
        batch_id(FeedKey("a", "shop"), "orders", other, "00"),
        batch_id(FeedKey("a", "shop"), "orders", window, "01"),
    }
    assert len(ids) == 6


@pytest.mark.parametrize("kind", VaraiError.__subclasses__())
def test_errors_carry_a_cure_and_survive_a_process_boundary(kind: type[VaraiError]) -> None:
    error = pickle.loads(pickle.dumps(kind("It broke.")))  # noqa: S301  # our own bytes
    assert type(error) is kind
    assert error.what == "It broke."
    assert error.cure.endswith(".")
    assert str(error).startswith("It broke. ")


def test_throttled_keeps_how_long_to_wait() -> None:
    assert Throttled("Slow down.", retry_after_s=2.5).retry_after_s == 2.5
