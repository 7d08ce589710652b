"""What the platform relies on in MongoDB and Valkey: here, and on real servers where VARAI_TEST_MONGODB_URI and its kin name them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pymongo
import pytest
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from varai.kernel import Scope, Unavailable
from varai.stores import cache, documents
from varai.stores.documents import Documents, failures_as_sentences


def scope(uri: str, database: str, cache_url: str = "", plane: str = "commerce") -> Scope:
    return Scope("eu", None, plane, "", uri, database, cache_url, "", secrets=None)  # type: ignore[arg-type]  # neither store needs a secret


@pytest.fixture
def database(mongodb_uri: str, mongodb: str) -> Documents:
    return documents(scope(mongodb_uri, mongodb))


def test_writes_are_asked_to_outlive_a_crash(database: Documents) -> None:
    assert database.write_concern.document == {"w": "majority", "j": True}
    assert database.read_concern.level == "majority"
    assert database["things"].insert_one({"_id": 1}).acknowledged


def test_an_instant_comes_back_as_it_went_in_to_the_millisecond(database: Documents) -> None:
    at = datetime(2026, 3, 29, 1, 30, 0, 123_000, tzinfo=UTC)
    database["things"].insert_one({"_id": 1, "at": at})
    found = database["things"].find_one({"_id": 1})
    assert found is not None and found["at"] == at and found["at"].utcoffset() is not None


def test_of_those_who_swap_one_version_exactly_one_wins(database: Documents) -> None:
    """Leases and watermarks are written so: a filter on what was read, and the count of what matched."""
    database["things"].insert_one({"_id": 1, "version": 0})

    def swap(who: int) -> int:
        change = {"$set": {"version": 1, "who": who}}
        return database["things"].update_one({"_id": 1, "version": 0}, change).modified_count

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(swap, range(32))) == 1


def test_a_bulk_of_upserts_twice_is_the_same_as_once(database: Documents) -> None:
    things = [UpdateOne({"_id": one}, {"$set": {"value": one * one}}, upsert=True) for one in range(500)]
    for _ in range(2):
        database["things"].bulk_write(things, ordered=False)
    assert sorted((one["_id"], one["value"]) for one in database["things"].find()) == [(n, n * n) for n in range(500)]


def test_a_unique_index_refuses_the_second(database: Documents) -> None:
    database["things"].create_index("key", unique=True)
    database["things"].insert_one({"key": "a"})
    with pytest.raises(DuplicateKeyError):
        database["things"].insert_one({"key": "a"})


def test_health_has_a_database_of_its_own(mongodb_uri: str, mongodb: str) -> None:
    assert documents(scope(mongodb_uri, mongodb, plane="health")).name == f"{mongodb}-health"


def test_a_server_that_is_away_is_told_without_the_password() -> None:
    uri = "mongodb://varai:hunter2@127.0.0.1:9/?directConnection=true"
    with pytest.raises(Unavailable) as caught, failures_as_sentences(), pymongo.timeout(0.5):
        documents(scope(uri, "varai")).command("ping")
    assert "127.0.0.1:9" in str(caught.value) and "hunter2" not in str(caught.value)


def test_the_cache_keeps_bytes_for_a_while(valkey_url: str) -> None:
    found = cache(scope("", "", valkey_url))
    assert found is not None
    key = f"test:{uuid4().hex}"
    found.set(key, b"\x00\xff", ex=60)
    assert found.get(key) == b"\x00\xff"
    assert 0 < int(found.ttl(key)) <= 60
    found.delete(key)
    assert cache(scope("", "")) is None
