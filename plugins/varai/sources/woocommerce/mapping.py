"""How WooCommerce's lines become canonical entities: types of what is read, views of children, one SQL file per entity.

Lines of an order carry amounts without tax, whether the shop's prices contain it or not, so orders say `taxes_included = false`.
"""

from __future__ import annotations

from varai.canonical.mapping import Mapping
from varai.kernel import Feed
from varai.sources.contract import ShopFacts, StreamSpec
from varai.sources.macros import facts_macros, line_kinds, training_consent
from varai.sources.mapping import mapping_of
from varai.sources.woocommerce.shapes import ALONE, COLUMNS


def mapping(spec: StreamSpec, feed: Feed, facts: ShopFacts) -> Mapping:
    """The mapping of a stream; pure.

    Args:
        spec: one of the connector's.
        feed: its settings may hold `line_kinds` and `training_consent`.
        facts: currency of prices that are written without one, and the zones of business dates.

    Raises:
        Misconfigured: a setting is wrong.
        Malformed: the shop's zone is none.
    """
    macros = [facts_macros(facts), line_kinds(feed), training_consent(feed)]
    return mapping_of("woocommerce", spec, COLUMNS[spec.name], macros, alone=ALONE.get(spec.name, frozenset()))
