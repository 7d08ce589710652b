"""How BigCommerce's lines become canonical entities: types of what is read, views of what hangs on it, one SQL file per entity.

Lines of an order carry amounts without tax, whether the store's prices contain it or not, so orders say `taxes_included = false`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from varai.canonical.mapping import Mapping
from varai.kernel import Feed
from varai.sources.bigcommerce.shapes import COLUMNS
from varai.sources.bigcommerce.streams import STREAMS
from varai.sources.contract import ShopFacts
from varai.sources.macros import BUSINESS_DATE, facts_macros, line_kinds, training_consent

_ENTITIES = {spec.name: spec.entities for spec in STREAMS}


def mapping(stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
    """The mapping of a stream; pure.

    Args:
        stream: one of the connector's.
        feed: its settings may hold `line_kinds` and `training_consent`.
        facts: currency of prices that are written without one, and the zones of business dates.

    Raises:
        Misconfigured: a setting is wrong.
        Malformed: the shop's zone is none.
    """
    setup = [facts_macros(facts), BUSINESS_DATE, line_kinds(feed), training_consent(feed), _sql("macros")]
    if stream in ("products", "orders"):
        setup.append(_sql(f"views_{stream}"))
    selects = {entity: _sql(entity) for entity in _ENTITIES[stream]}
    return Mapping.of(COLUMNS[stream], selects, _ENTITIES[stream][0], "\n".join(setup))


@cache
def _sql(name: str) -> str:
    return (files("varai.sources.bigcommerce") / "map" / f"{name}.sql").read_text(encoding="utf-8")
