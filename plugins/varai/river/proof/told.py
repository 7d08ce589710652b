"""A row that is wrong somewhere, as people and programs are told of it: its key, a sentence, and what every place has of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from varai.kernel import FeedKey
from varai.river.proof.explain import Held, Row
from varai.river.proof.words import Difference

_SAID: Final = {
    ("vendor", "gone"): "the vendor has it no longer",
    ("landing", "missing"): "landing lacks it",
    ("landing", "stale"): "landing has an older version",
    ("known", "missing"): "the hashes lack it",
    ("known", "stale"): "the hashes have another version",
}
_OF_STORE: Final = {
    "missing": "the {} lacks it",
    "extra": "the {} has it still",
    "stale": "the {} has another version",
    "altered": "it was altered in the {}",
    "twice": "the {} has it more than once",
}


def tell(key: FeedKey, entity: str, row: Row, wrong: Mapping[str, str], *, asked: bool) -> Difference:
    """The difference; `asked` says whether the vendor was read."""
    said = [_SAID.get((place, what)) or _OF_STORE[what].format(place) for place, what in wrong.items()]
    held = {
        "vendor": "not asked" if not asked else _told(row.vendor, row),
        "landing": _told(row.landing, row)
        if row.kept or row.landing
        else "no longer landed"
        if row.known
        else "absent",
        "known": "absent" if row.known is None else "deleted" if row.known.deleted else row.known.verdict,
    }
    held |= {place: _told(getattr(row, place), row) for place in row.places}
    return Difference(
        key=f"{key}/{entity}/{row.source_id}",
        entity=entity,
        source_id=row.source_id,
        what=", ".join(said),
        wrong=wrong,
        held={place: wrong.get(place, what) for place, what in held.items()},
        root_id=row.root_id,
        batch_id=row.landing.batch if row.landing else None,
        changed_at=row.vendor.at if row.vendor else None,
    )


def _told(held: Held | None, row: Row) -> str:
    if held is None:
        return "absent"
    return "same" if row.known is None or held.content == row.known.content else "another version"
