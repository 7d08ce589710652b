"""How Magento's lines become canonical entities: types of what is read, views of children, one SQL file per entity.

Amounts are of the books' currency (`base_*`) and without tax, whether the shop's prices contain it or not, so orders say
`taxes_included = false`. Where they do contain it, a discount does too; what Magento calls the compensation is that tax.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from varai.canonical.mapping import Mapping
from varai.kernel import Feed
from varai.sources.contract import ShopFacts
from varai.sources.macros import BUSINESS_DATE, facts_macros, line_kinds, training_consent
from varai.sources.magento.shapes import COLUMNS
from varai.sources.magento.streams import STREAMS

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
    return (files("varai.sources.magento") / "map" / f"{name}.sql").read_text(encoding="utf-8")
