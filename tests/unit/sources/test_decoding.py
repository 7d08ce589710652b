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


class Order(msgspec.Struct):
    id: int
    status: str = "new"
    items: list[Item] | None = None


_ANY = st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.text(), st.just([]), st.just({"a": [1]}))
_ITEMS = st.lists(st.fixed_dictionaries({"number": st.integers(0, 9)}))


@given(st.integers(0, 2**40), _ANY, st.one_of(_ANY, _ITEMS), st.dictionaries(st.text(), _ANY))
def test_what_is_of_another_type_is_as_if_it_were_not_there(number: int, status: Any, items: Any, more: Any) -> None:
    node = msgspec.Raw(msgspec.json.encode(more | {"id": number, "status": status, "items": items}))
    numbered = isinstance(items, list) and [Item(one["number"]) for one in items]
    found = Order(number, status if isinstance(status, str) else "new", None if numbered is False else numbered)
    assert told(node, Order) == found


@pytest.mark.parametrize("node", [b'{"status": "new"}', b'{"id": "1"}', b'{"id": null}', b"[1]", b'"1"', b"1"])
def test_what_lacks_what_is_required_is_refused(node: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        told(node, Order)
