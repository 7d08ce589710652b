"""A bundle's bytes: equal for equal models, refused when anything about them is wrong, opened by their own tenant alone."""

from __future__ import annotations

import inspect
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.shelves import bundle
from varai.canonical import Field, entity
from varai.catalogue import sellable
from varai.kernel import Malformed, Misconfigured, Scope
from varai.learning import bundle as module
from varai.learning.assemble import LINES, PRODUCTS
from varai.learning.bundle import READ_FROM, Bundle, key_of, load, mapping_version, pack, store, unpack
from varai.learning.bundled import bundle_of
from varai.learning.spec import ModelSpec
from varai.learning.train import train
from varai.learning.words import Dataset, Neighbours
from varai.settings import Settings
from varai.stores import objects

SUBJECTS = {f"{number:032x}": [number % 6, 5] for number in range(4)}
ITEMS = [f"shop/p{number}" for number in range(6)]


@pytest.fixture
def scope(settings_of_two: Settings) -> Scope:
    return settings_of_two.scope("eu", "northwind-eu")


@pytest.fixture
def made(scope: Scope) -> Bundle:
    return bundle(scope, ITEMS, SUBJECTS)


def equal(one: Any, other: Any) -> bool:
    """Every field the same, bit for bit."""
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            if a.dtype != b.dtype or a.tobytes() != b.tobytes():
                return False
        elif isinstance(a, Neighbours):
            if not equal(a, b):
                return False
        elif isinstance(a, dict):
            if a.keys() != b.keys() or not all(equal(a[name], b[name]) for name in a):
                return False
        elif a != b:
            return False
    return True


def test_what_training_gives_comes_back_as_it_was(scope: Scope, shop: Callable[..., Dataset], spec: ModelSpec) -> None:
    trained = train(shop(), spec)
    made = bundle_of(scope, trained)
    assert equal(unpack(pack(made)), made)
    assert pack(unpack(pack(made))) == pack(made) == pack(bundle_of(scope, trained))


def test_the_floor_says_that_it_is_the_floor(scope: Scope, shop: Callable[..., Dataset], spec: ModelSpec) -> None:
    trained = train(shop(), spec)
    assert not bundle_of(scope, trained).floor
    assert bundle_of(scope, replace(trained, chosen=trained.floor)).floor


def test_a_model_belongs_to_a_tenant(settings_of_two: Settings, shop: Callable[..., Dataset], spec: ModelSpec) -> None:
    with pytest.raises(Malformed):
        bundle_of(settings_of_two.scope("eu"), train(shop(), spec))


@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_turned_bit_is_refused_or_changes_nothing(made: Bundle, place: int, bit: int) -> None:
    data = bytearray(pack(made))
    data[place % len(data)] ^= 1 << bit
    try:
        found = unpack(bytes(data))
    except Malformed:
        return
    assert equal(found, made), "A damaged file was read as another model."


@given(cut=st.integers(0, 10**9))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_file_is_refused(made: Bundle, cut: int) -> None:
    data = pack(made)
    with pytest.raises(Malformed):
        unpack(data[: cut % len(data)])


@given(data=st.binary(max_size=300))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        unpack(data)


def with_array(made: Bundle, name: str, change: Callable[[Any], Any]) -> bytes:
    """The bundle's file with one array changed, whatever that makes of it."""
    with np.load(io.BytesIO(pack(made))) as file:
        arrays = {each: file[each] for each in file.files}
    arrays[name] = change(arrays[name].copy())
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def put(value: Any) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        array.flat[0] = value
        return array

    return change


def meta(**changed: Any) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        said = {**json.loads(array.tobytes()), **changed}
        return np.frombuffer(json.dumps(said).encode(), np.uint8)

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("prior", put(np.nan)),
        ("prior", put(np.inf)),
        ("near_weights", put(np.nan)),
        ("alike_weights", put(-np.inf)),
        ("list_scores", put(np.nan)),
        ("near_indices", put(6)),
        ("alike_indices", put(-2)),
        ("history", put(6)),
        ("history", put(-1)),
        ("lists", put(6)),
        ("list_reasons", put(5)),
        ("popular", put(1)),
        ("starts", put(1)),
        ("subjects", put(b"anna@example.com")),
        ("subjects", lambda array: array[::-1]),
        ("subjects", lambda array: array[:-1]),
        ("prior", lambda array: array[:-1]),
        ("prior", lambda array: array.astype(np.float64)),
        ("prior", lambda array: array.astype(">f4")),
        ("prior", lambda array: array.astype(object)),
        ("shape_held", put(2)),
        ("shape_items", put(6)),
        ("meta", meta(item_ids=ITEMS[::-1])),
        ("meta", meta(item_ids=[*ITEMS[:-1], 7])),
        ("meta", meta(item_ids=[])),
        ("meta", meta(prior_weight="much")),
        ("meta", meta(prior_weight=0.0)),
        ("meta", meta(alike_weight=float("nan"))),
        ("meta", meta(as_of="yesterday")),
        ("meta", meta(as_of="2026-11-10T12:00:00")),
        ("meta", meta(floor="no")),
        ("meta", meta(tenant=None)),
        ("meta", meta(words={})),
        ("meta", lambda array: array[:-1]),
        ("meta", lambda array: np.frombuffer(b"[]", np.uint8)),
        ("meta", meta(form=2)),
        ("meta", meta(mapping="0" * 16)),
    ],
)
def test_what_cannot_be_served_is_refused(made: Bundle, name: str, change: Callable[[Any], Any]) -> None:
    with pytest.raises(Malformed):
        unpack(with_array(made, name, change))


def test_an_array_too_many_is_refused(made: Bundle) -> None:
    with pytest.raises(Malformed):
        unpack(with_array_added(made))


def with_array_added(made: Bundle) -> bytes:
    with np.load(io.BytesIO(pack(made))) as file:
        arrays = {each: file[each] for each in file.files}
    out = io.BytesIO()
    np.savez(out, more=np.zeros(1), **arrays)
    return out.getvalue()


def test_it_is_sealed_and_opens_by_its_checksum_alone(scope: Scope, made: Bundle) -> None:
    stored = store(scope, made)
    assert stored.key == key_of("northwind-eu", "recommender", stored.sha256[:16])
    raw = objects(scope).read(stored.key)
    assert not [subject for subject in SUBJECTS if subject.encode() in raw]
    assert equal(load(scope, stored.key, stored.sha256), made)
    assert equal(load(scope, stored.key, stored.bundle_id), made)
    for wrong in ("", stored.sha256[:15], "0" * 64):
        with pytest.raises(Malformed):
            load(scope, stored.key, wrong)


def test_another_tenant_s_model_does_not_open(settings_of_two: Settings, scope: Scope, made: Bundle) -> None:
    stored, other = store(scope, made), settings_of_two.scope("eu", "brillen-haus")
    with pytest.raises(Misconfigured):
        load(other, stored.key, stored.sha256)
    moved = key_of("brillen-haus", "recommender", stored.bundle_id)
    objects(scope).write(moved, objects(scope).read(stored.key))
    with pytest.raises(Malformed):
        load(other, moved, stored.sha256)
    with pytest.raises(Misconfigured):
        store(other, made)
    # Even well sealed under the other's key it says whose it is.
    elsewhere = store(other, replace(made, tenant="brillen-haus", region="us"))
    with pytest.raises(Malformed, match="another tenant"):
        load(other, elsewhere.key, elsewhere.sha256)


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """The mapping's version under a FORM, and with one field of an entity added or in another type's place."""

    def under(name: str = "product", field: Field | None = None, form: int = 1) -> str:
        known = entity(name)
        given = known.fields if field is None else (*(one for one in known.fields if one.name != field.name), field)
        changed = replace(known, fields=given)
        monkeypatch.setattr(module, "FORM", form)
        monkeypatch.setattr(module, "entity", lambda asked: changed if asked == name else entity(asked))
        mapping_version.cache_clear()
        return mapping_version()

    yield under
    mapping_version.cache_clear()


def test_the_mapping_moves_with_the_fields_a_bundle_is_read_from_and_with_no_others(
    mapped: Callable[..., str],
) -> None:
    before = mapped()
    assert len(before) == 16
    assert mapped(form=2) != before
    gift_card, title = (next(one for one in entity("product").fields if one.name == n) for n in ("gift_card", "title"))
    assert mapped("product", replace(gift_card, type="text")) != before
    assert mapped("product", replace(title, type="texts")) == before
    for name in ("product", "variant", "order_line"):
        assert mapped(name, replace(title, name="hinge")) == before
    assert mapped() == before


def test_the_mapping_names_every_field_that_training_and_the_shelf_read() -> None:
    known = {field for fields in READ_FROM.values() for field in fields}
    read = set(re.findall(r'"(\w+)"', LINES.partition("FROM")[0] + PRODUCTS.partition("FROM")[0]))
    of_their_own = {"feed", "line_id"}  # where a row is from, and its id: no fields of an entity
    made = {"trainable": "training_consent", "cancelled": "cancelled_at"}
    assert {made.get(name, name) for name in read - of_their_own} <= known
    asked = inspect.getsource(inspect.getmodule(sellable) or sellable)
    named = {name for kind in READ_FROM for name in re.findall(rf'"{kind}\.(\w+)"', asked)}
    assert {"status", "gift_card", "published_at", "inventory_item_id", "available"} <= named
    assert named - {"deleted"} <= known
    assert set(re.findall(r'(?:part|variant)\["(\w+)"\]', asked)) - {"deleted"} <= known
