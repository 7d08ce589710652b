"""The clerk of a shop whose system drops files: its books are one pickled value, from which all files are written anew."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.prove.clerk import Taken
from sandbox.world.baskets import Sale
from sandbox.world.build import trade
from sandbox.world.files import number_of, write_day
from sandbox.world.frames import Product
from sandbox.world.people import Person
from sandbox.world.returns import Return
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth
from varai.settings import load


@dataclass
class Books:
    """What the shop knows; `days` is how often it sent that."""

    spec: WorldSpec
    products: list[Product]
    people: list[Person]
    sales: list[Sale]
    returns: dict[int, Return]
    days: int = 0


def build(path: Path, spec: WorldSpec) -> Truth:
    """Write the books of `spec`; no defects are planted."""
    _write(path, Books(spec, *trade(spec)))
    return Truth(spec.name)


def settings(spec: WorldSpec) -> Mapping[str, Any]:
    """Those of the demo's retailer who drops files. Every file is the whole state, so that what goes shows, and whole at once."""
    [given] = [feed.settings for seed in load({}).seeds for feed in seed.feeds if feed.connector == "files"]
    streams = {name: {**found, "kind": "full", "settle_s": 0} for name, found in given["streams"].items()}
    shop = {"name": spec.name, "currency": spec.currency, "timezone": spec.timezone, "country": spec.country}
    return {**given, "streams": streams, "shop": shop}


def deliver(path: Path, folder: Path) -> None:
    """Write all files of the next day into a folder."""
    with _changing(path) as books:
        books.days += 1
        spec = replace(books.spec, anchor=books.spec.anchor + timedelta(days=books.days))
        write_day(folder, spec, books.products, books.people, books.sales, books.returns)


class BooksClerk:
    """See `Clerk`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ids(self, kind: str) -> list[str]:
        """See `Clerk`."""
        books = read_books(self._path)
        return [_name(kind, one.id) for one in _list(books, kind)]

    def touch(self, kind: str, id: str, word: str, at: datetime) -> None:
        """See `Clerk`. A file says by its name of which day it is, and its rows have no dates of change."""
        with _changing(self._path) as books:
            found = _find(books, kind, id)
            if kind == "products":
                found.title = word
            elif kind == "customers":
                found.first = word
            else:
                found.lines[-1].quantity += 1

    def census(self) -> dict[str, set[str]]:
        """See `Clerk`."""
        books = read_books(self._path)
        return {
            "product": {str(one.id) for one in books.products},
            "variant": {str(one.id) for product in books.products for one in product.variants},
            "order": {str(one.id) for one in books.sales},
            "order_line": {str(line.id) for one in books.sales for line in one.lines},
            "refund": {str(one.id) for one in books.returns.values()},
            "customer": {number_of(one.id) for one in books.people},
        }

    def long_orders(self) -> list[str]:
        """See `Clerk`."""
        books = read_books(self._path)
        return [str(one.id) for one in sorted(books.sales, key=lambda one: one.id) if len(one.lines) > 1]

    def shorten(self, id: str, at: datetime) -> None:
        """See `Clerk`."""
        with _changing(self._path) as books:
            _find(books, "orders", id).lines.pop()

    def take(self, kind: str, id: str) -> Taken:
        """See `Clerk`. What came back of an order goes with it."""
        books = read_books(self._path)
        found = _find(books, kind, id)
        back = books.returns.get(found.id) if kind == "orders" else None
        return Taken(kind, id, ((found,), *([(back,)] if back is not None else ())))

    def remove(self, kind: str, id: str, at: datetime) -> None:
        """See `Clerk`. Later files lack it."""
        with _changing(self._path) as books:
            found = _find(books, kind, id)
            _list(books, kind).remove(found)
            if kind == "orders":
                books.returns.pop(found.id, None)

    def put(self, taken: Taken, at: datetime | None, id: str | None = None) -> None:
        """See `Clerk`."""
        [own], *back = taken.rows
        with _changing(self._path) as books:
            if id is not None:
                own = replace(own, id=int(id))
            found = _list(books, taken.kind)
            found[:] = [*(one for one in found if one.id != own.id), own]
            if back:
                [[books.returns[own.id]]] = back


@contextmanager
def _changing(path: Path) -> Iterator[Books]:
    books = read_books(path)
    yield books
    _write(path, books)


def read_books(path: Path) -> Books:
    """The books of a shop."""
    books: Books = pickle.loads(path.read_bytes())  # noqa: S301 - this module wrote it
    return books


def _write(path: Path, books: Books) -> None:
    path.write_bytes(pickle.dumps(books))


def _list(books: Books, kind: str) -> list[Any]:
    """The records of a kind, by their ids."""
    kinds: Mapping[str, list[Any]] = {"products": books.products, "orders": books.sales, "customers": books.people}
    found = kinds[kind]
    found.sort(key=lambda one: one.id)
    return found


def _find(books: Books, kind: str, id: str) -> Any:
    return next(one for one in _list(books, kind) if one.id == int(id))


def _name(kind: str, id: int) -> str:
    return number_of(id) if kind == "customers" else str(id)
