"""Shapes that several threads meet for the first time at once, and records that are of another shape than they should be."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.sources.decoding import told

SCRIPT = '''
import sys, threading, types
import msgspec
from varai.sources.decoding import decode

SHAPES = """
class Page(msgspec.Struct, rename="camel"):
    next: "str | None" = None
class Owner(msgspec.Struct, rename="camel"):
    page: "Page | None" = None
    pages: "list[Page]" = []
class Data(msgspec.Struct):
    owner: "Owner | None" = None
"""
sys.setswitchinterval(1e-6)
for number in range(100):
    module = sys.modules["shapes"] = types.ModuleType("shapes")
    module.msgspec = msgspec
    exec(SHAPES, module.__dict__)
    together, found = threading.Barrier(3), []

    def read():
        together.wait()
        found.append(decode(b'{"owner":{"page":{"next":"a"},"pages":[{"next":"b"}]}}', module.Data).owner.pages[0].next)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == ["b"] * 3, found
'''


def test_threads_learn_a_shape_at_once() -> None:
    """In a process of its own: what this guards against kills it, or hangs it."""
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr[-2000:]


class Item(msgspec.Struct):
    number: int


class Address(msgspec.Struct):
    city: str = ""
    tags: list[str] | None = None


class Order(msgspec.Struct):
    id: int
    status: str = "new"
    items: list[Item] | None = None
    address: Address | None = None


_ANY = st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.text(), st.just([]), st.just({"a": [1]}))
_NUMBERED = st.fixed_dictionaries({"number": st.integers(0, 9)})
_ADDRESS = st.fixed_dictionaries({}, optional={"city": _ANY, "tags": st.one_of(_ANY, st.lists(_ANY))})


def text_of(value: Any, otherwise: str) -> str:
    return value if isinstance(value, str) else otherwise


@given(
    st.integers(0, 2**40),
    _ANY,
    st.one_of(_ANY, st.lists(st.one_of(_NUMBERED, _ANY))),
    st.one_of(_ANY, _ADDRESS),
    st.dictionaries(st.text(), _ANY),
)
def test_what_is_of_another_type_is_as_if_it_were_not_there(
    number: int, status: Any, items: Any, address: Any, more: Any
) -> None:
    written = more | {"id": number, "status": status, "items": items, "address": address}
    told_items, told_address = None, None
    if isinstance(items, list):
        told_items = [Item(one["number"]) for one in items if isinstance(one, dict) and "number" in one]
    if isinstance(address, dict):
        tags = address.get("tags")
        told_tags = [one for one in tags if isinstance(one, str)] if isinstance(tags, list) else None
        told_address = Address(text_of(address.get("city"), ""), told_tags)
    found = told(msgspec.Raw(msgspec.json.encode(written)), Order)
    assert found == Order(number, text_of(status, "new"), told_items, told_address)


def test_a_text_that_is_no_text_is_as_if_it_were_not_there() -> None:
    assert told(b'{"id": 1, "status": "\xff", "address": {"city": "\xfe", "tags": ["a", "\xff"]}}', Order) == Order(
        1, address=Address(tags=["a"])
    )


@pytest.mark.parametrize(
    "node", [b'{"status": "new"}', b'{"id": "1"}', b'{"id": null}', b"[1]", b'"1"', b"1", b'"\xff"']
)
def test_what_lacks_what_is_required_is_refused(node: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        told(node, Order)
