"""Macros that mappings of every vendor use, made of what is known of the shop and the feed: pure, SQL out."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from varai.kernel import Feed, Malformed, Misconfigured, literal
from varai.sources.contract import ShopFacts

LINE_KINDS: Final = ("product", "postage", "fee", "adjustment", "gift_card", "manual")

_BUSINESS_DATE: Final = """-- The business date of an instant, in the zone the shop had then.
CREATE MACRO day_of(t) AS CAST(timezone(shop_zone(parse_instant(t)), parse_instant(t)) AS DATE);"""


def facts_macros(facts: ShopFacts) -> str:
    """shop_currency(), shop_zone(moment) and day_of(moment). Raises Malformed where the shop's zone is none of IANA's."""
    for zone in (facts.timezone, *(one.timezone for one in facts.earlier)):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Malformed(f"The shop says its time zone is '{zone}', which is none of IANA's.") from error
    zone = literal(facts.timezone)
    if facts.earlier:
        cases = (
            f"WHEN moment < TIMESTAMPTZ '{one.until.isoformat()}' THEN {literal(one.timezone)}" for one in facts.earlier
        )
        zone = f"CASE {' '.join(cases)} ELSE {zone} END"
    currency = f"CREATE MACRO shop_currency() AS {literal(facts.currency)};"
    return "\n".join((currency, f"CREATE MACRO shop_zone(moment) AS {zone};", _BUSINESS_DATE))


def line_kinds(feed: Feed) -> str:
    """kind_of(sku): the kind of the first pattern of the feed's `line_kinds` that matches the whole SKU, else NULL.

    Raises Misconfigured where `line_kinds` is wrong.
    """
    cases = []
    for pattern, kind in dict(feed.settings.get("line_kinds", {})).items():
        if kind not in LINE_KINDS:
            raise Misconfigured(
                f"Feed {feed.key}: settings.line_kinds says '{kind}' for '{pattern}'.",
                f"Use one of {', '.join(LINE_KINDS)}.",
            )
        try:
            re.compile(pattern)
        except re.error as error:
            raise Misconfigured(
                f"Feed {feed.key}: settings.line_kinds has '{pattern}', which is no regular expression: {error}.",
                "Correct the pattern.",
            ) from error
        cases.append(f" WHEN regexp_full_match(sku, {literal(pattern)}) THEN {literal(kind)}")
    return (
        f"CREATE MACRO kind_of(sku) AS CASE{''.join(cases)} END;"
        if cases
        else "CREATE MACRO kind_of(sku) AS NULL::VARCHAR;"
    )


def training_consent(feed: Feed) -> str:
    """agreed_by_terms(): true where the feed's `training_consent` says that the shop's terms have customers agree to the training of
    models, else NULL: vendors without such a field know of nobody who agreed. Raises Misconfigured for anything but true and false.
    """
    agreed = feed.settings.get("training_consent", False)
    if not isinstance(agreed, bool):
        raise Misconfigured(f"Feed {feed.key}: settings.training_consent is '{agreed}'.", "Write true or false.")
    return f"CREATE MACRO agreed_by_terms() AS {'true' if agreed else 'NULL::BOOLEAN'};"
