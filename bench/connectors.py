"""Connectors of REST vendors beside dlt's REST client with its parquet loader, over the same simulated shop; ratios out.

Ours is the river's road up to canonical rows (see bench/river.py), with everything that proves a list whole: counts beside each page,
ids met once, refunds and labels asked for. dlt is a resource of its own client over the list alone, Parquet loaded into DuckDB; it keeps no
raw landing and proves nothing. Two of it are shown: one table with JSON in it, and lists as tables of their own down to those that ours
has (lines, and the taxes in them; variants), other lists of such depth among them. The goal is beside the second; dlt as it comes makes
tables of all lists, however deep. Larger shops ours reads alone: its memory must not grow.

Run: python -m bench.connectors [--records N ...] [--rounds N] [VENDOR ...]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import Case, Measured, compare, save, table
from bench.river import LEAST_RATIO, MOST_GROWTH_MB, MOST_MB, Shop, finish, open_river, run_river
from bench.theirs import open_pipeline, run_pipeline
from sandbox.servers import simulated
from sandbox.vendors.records import Body, Records
from sandbox.world import bigcommerce, magento, woocommerce
from sandbox.world.spec import DefectRates, WorldSpec

REPOSITORY = Path(__file__).resolve().parents[1]
_OURS, _FLAT, _NESTED = "ours", "dlt, one table", "dlt, lists as tables"
_SPEC = WorldSpec(
    *("bench", "bench.example.com", 5, "USD", "America/New_York", "US", "ck", "cs"),
    products=60,
    orders=400,
    customers=200,
    defects=DefectRates.none(),
)


@dataclass(frozen=True)
class Vendor:
    """A vendor's list.

    Attributes:
        build: writes a small shop; its records are then repeated under other ids.
        shop: what of it the river reads.
        dates: keys of a record's creation and last change.
        status: key by which its simulator files a record.
        depth: levels of lists in lists that ours makes tables of.
        path: of the list, for dlt.
        parameters: of the list, for dlt.
        page: the parameter that numbers its pages.
        ids: keys that hold a record's id.
        selector: where a page has its records; None: it is a list of them.
    """

    build: Callable[[Path, WorldSpec], object]
    shop: Shop
    dates: tuple[str, str]
    depth: int
    path: str
    parameters: Mapping[str, Any]
    page: str = "page"
    ids: tuple[str, ...] = ("id",)
    status: str = ""
    selector: str | None = None


_SIGNED = {"consumer_key": "ck", "consumer_secret": "cs"}
_TOKEN = {"access_token": "token", "access_token_secret": "token-secret"}
VENDORS: Mapping[str, Vendor] = {
    "woocommerce": Vendor(
        woocommerce.build,
        Shop("woocommerce", "orders", json.dumps(_SIGNED)),
        ("date_created_gmt", "date_modified_gmt"),
        2,
        "wp-json/wc/v3/orders",
        {"per_page": 100, "status": "any", "orderby": "id", "order": "asc"},
        status="status",
    ),
    "magento": Vendor(
        magento.build,
        Shop("magento", "orders", json.dumps(_SIGNED | _TOKEN)),
        ("created_at", "updated_at"),
        2,
        "rest/all/V1/orders",
        {
            "searchCriteria[pageSize]": 100,
            "searchCriteria[sortOrders][0][field]": "entity_id",
            "searchCriteria[sortOrders][0][direction]": "ASC",
        },
        page="searchCriteria[currentPage]",
        ids=("id", "entity_id"),
        status="state",
        selector="items",
    ),
    "bigcommerce": Vendor(
        bigcommerce.build,
        Shop("bigcommerce", "products", json.dumps({"access_token": "cs"})),
        ("date_created", "date_modified"),
        1,
        "v3/catalog/products",
        {"limit": 10, "include": "variants,images,custom_fields", "sort": "id", "direction": "asc"},
        selector="data",
    ),
}


def grow(path: Path, vendor: Vendor, records: int) -> None:
    """Repeat the records of a shop's list under other ids until there are so many; those that were refunded stay alone."""
    kind = vendor.shop.stream
    with Records(path) as kept:
        bodies: list[Body] = [json.loads(one) for one in kept.page(kind, limit=_SPEC.orders)]
        pattern = [one for one in bodies if not one.get("refunds")]
        there = kept.count(kind)
        first = json.loads(kept.page(kind, order="id DESC", limit=1)[0])["id"] + 1
        for number in range(records - there):
            body = pattern[number % len(pattern)] | dict.fromkeys(vendor.ids, first + number)
            created, modified = (body[name] for name in vendor.dates)
            kept.put(kind, body, created=created, modified=modified, status=body.get(vendor.status, ""))


def open_dlt(folder: str, url: str, name: str, records: int, nesting: int) -> Any:
    """Imports and a pipeline with all its files in a fresh folder, which reports to nobody; lists become tables `nesting` levels deep."""
    own, pipeline = open_pipeline(folder)
    import dlt
    from dlt.sources.helpers.rest_client.client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

    vendor = VENDORS[name]
    size = next(value for value in vendor.parameters.values() if isinstance(value, int))
    # Where it ends is known: one of the vendors gives its last page again for ever.
    pages = PageNumberPaginator(
        base_page=1, page_param=vendor.page, total_path=None, maximum_page=-(-records // size) + 1
    )
    client = RESTClient(url, auth=_authorised(name), paginator=pages, data_selector=vendor.selector)

    @dlt.resource(name=vendor.shop.stream, max_table_nesting=nesting, write_disposition="append")
    def listed() -> Any:
        yield from client.paginate(vendor.path, params=dict(vendor.parameters))

    return own, pipeline, listed


def _authorised(name: str) -> Any:
    """What says who asks, as the vendor has it: a request in, the same with its header out."""
    from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

    def authorised(request: Any) -> Any:
        if name == "bigcommerce":
            request.headers["X-Auth-Token"] = "cs"
            return request
        token = {"resource_owner_key": "token", "resource_owner_secret": "token-secret"} if name == "magento" else {}
        client = Client("ck", client_secret="cs", signature_method=SIGNATURE_HMAC_SHA256, **token)
        request.headers["Authorization"] = client.sign(request.url)[1]["Authorization"]
        return request

    return authorised


def run_dlt(prepared: Any, folder: str, url: str, name: str, records: int, nesting: int) -> tuple[str, int]:
    """Extract, normalise and load; where it lies and how many records it gave."""
    del folder, url, records, nesting
    own, pipeline, listed = prepared
    return own, run_pipeline(pipeline, listed(), VENDORS[name].shop.stream)


def measure(name: str, sizes: Sequence[int], rounds: int) -> bool:
    """Print one vendor's comparison, and the memory that larger shops take; False when a goal is missed.

    Raises RuntimeError where not all records came.
    """
    vendor, records = VENDORS[name], sizes[0]
    with tempfile.TemporaryDirectory() as folder:
        shops = Path(folder) / "shops"
        shops.mkdir()
        vendor.build(shops / "bench.sqlite", _SPEC)
        grow(shops / "bench.sqlite", vendor, records)
        with simulated(name, Path(folder), shops) as url:
            address = f"{url}/bench"
            cases = [
                Case(_OURS, run_river, (folder, address, vendor.shop, False), open_river, finish),
                Case(_FLAT, run_dlt, (folder, address, name, records, 0), open_dlt, finish),
                Case(_NESTED, run_dlt, (folder, address, name, records, vendor.depth), open_dlt, finish),
            ]
            found = compare(cases, rounds)
            met = _judge(name, found, records, rounds)
            for size in sizes[1:]:
                grow(shops / "bench.sqlite", vendor, size)
                [larger] = compare(cases[:1], 1).values()
                met &= _flat(name, found[_OURS], larger, size)
    return met


def _judge(name: str, found: dict[str, Measured], records: int, rounds: int) -> bool:
    stream = VENDORS[name].shop.stream
    for one in found.values():
        if one.result != records:
            raise RuntimeError(f"{one.name} gave {one.result} {stream} of {records}.")
    load = os.getloadavg()[0]
    print(f"{name}: {records:,} {stream}, {rounds} rounds taking turns (load at the end: {load:.1f})\n")
    print(table(found, _OURS, records))
    save(f"connectors-{name}", found, REPOSITORY / ".cache" / "bench")
    flat, nested = (found[case].cpu / found[_OURS].cpu for case in (_FLAT, _NESTED))
    goal = f"goal: at least {LEAST_RATIO:.0f}x, peak under {MOST_MB} MB"
    print(
        f"\n{name}: {nested:.1f}x less CPU per record than dlt with lists as tables ({goal}), {flat:.1f}x than with one\n"
    )
    return nested >= LEAST_RATIO and found[_OURS].peak < MOST_MB


def _flat(name: str, small: Measured, large: Measured, records: int) -> bool:
    if large.result != records:
        raise RuntimeError(f"{_OURS} gave {large.result} {VENDORS[name].shop.stream} of {records}.")
    growth = large.peak - small.peak
    print(
        f"{name}: {records:,} {VENDORS[name].shop.stream} at {large.cpu / records * 1e6:.0f} us, peak {large.peak:.0f} MB, {growth:+.0f} MB"
        f" from {small.result:,} (goal: at most {MOST_GROWTH_MB} MB more, under {MOST_MB} MB)\n"
    )
    return growth <= MOST_GROWTH_MB and large.peak < MOST_MB


def main() -> int:
    """Print the comparison for each vendor, and the memory of larger shops; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vendors", nargs="*", metavar="VENDOR", help=f"of {', '.join(VENDORS)}; all when left out")
    parser.add_argument("--records", type=int, nargs="+", default=[100_000, 400_000], help="further sizes: ours alone")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    met = [measure(name, given.records, given.rounds) for name in given.vendors or VENDORS]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
