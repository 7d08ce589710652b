"""From differences to the verbs that mend them. Pure: a proof in, steps out, each with the keys it is for."""

from __future__ import annotations

from typing import Literal, NamedTuple

from varai.registry.comparisons import SNAPSHOT
from varai.river.proof.words import Difference, FeedProof

Verb = Literal["read", "carry", "take out", "publish"]
_STORES = ("catalogue", "warehouse")
_DONE = {
    "read": "read the stream {} again from the vendor",
    "carry": "carry its landed batch through the river again",
    "take out": "take it out of the {}",
    "publish": "publish the snapshot again",
}


class Step(NamedTuple):
    """One thing to do for one row."""

    verb: Verb
    stream: str
    place: str
    difference: Difference

    @property
    def sentence(self) -> str:
        """What would be done, with its key."""
        what = _DONE[self.verb].format(self.stream if self.verb == "read" else self.place)
        return f"{what}: {self.difference.key} ({self.difference.what})"


def steps(proof: FeedProof) -> list[Step]:
    """What would mend a feed, difference by difference.

    Landing is mended by reading the vendor, hashes from landing, catalogue and warehouse from landing too, or from the vendor
    where landing has outlived the batch. What nobody knows to be alive is taken out of where it is.
    """
    return [
        Step(verb, one.stream, place, difference)
        for one in proof.streams
        for difference in one.differences
        for verb, place in _verbs(difference)
    ]


def _verbs(difference: Difference) -> list[tuple[Verb, str]]:
    wrong, found = difference.wrong, list[tuple[Verb, str]]()
    if SNAPSHOT in wrong:
        return [("publish", SNAPSHOT)]
    damaged = [place for place in _STORES if wrong.get(place) not in (None, "extra")]
    swept = difference.batch_id is None
    if "vendor" in wrong or "landing" in wrong or ((damaged or "known" in wrong) and swept):
        found.append(("read", "vendor"))
    found += [("take out", place) for place in _STORES if wrong.get(place) == "extra"]
    if damaged or ("known" in wrong and not found):
        found += [("carry", place) for place in damaged or ["known"]]
    return found
