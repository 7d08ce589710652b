"""The shop's record of itself: files have none, so the feed's settings are it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from varai.kernel import Feed
from varai.sources.files.declared import shop_record


def shop_line(feed: Feed, at: datetime) -> bytes:
    """The record as one line, and since when it is known. Raises Misconfigured."""
    record = shop_record(feed)
    told = {name: value for name, value in record.model_dump(mode="json").items() if value is not None}
    told |= {"id": feed.name, "taxes_included": str(record.taxes_included).lower()}
    return msgspec.json.encode(told | {"seen_at": at.isoformat()}) + b"\n"
