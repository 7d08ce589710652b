"""A cell of webhooks: a day's business at the vendor, what comes of what it tells, and what the consumer of the inbox makes of it.

The vendor signs and sends over HTTP to a hook surface in a process of its own. When the consumer has read, the catalogue holds the truth;
so does the warehouse when it is loaded next. Where deliveries were lost, that goes for streams that others told of, and one more run,
as polls are, brings the rest.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sandbox.prove.business import Day
from sandbox.prove.holdings import Rows, catalogued, differences
from sandbox.prove.marks import CONVERGED, IDLE, LOST, STUCK
from sandbox.prove.region import NAME
from sandbox.prove.stage import STEADY
from sandbox.prove.told import TellingClerk, Told, Ways
from sandbox.prove.trial import A_MOMENT, Failed, Trial, demand, now, those
from varai.kernel import FeedKey
from varai.registry import inbox
from varai.river.drain import drain
from varai.river.settle import load, settle

_HOLDER = "inbox"
Truth = Mapping[FeedKey, Rows]


class Heard(Trial):
    """See above."""

    def play(self, ways: Ways) -> tuple[str, list[str]]:
        """The mark. Raises Failed where it is not green."""
        told = self._day()
        truth = self.stage.truth(self.column)
        rounds, known = ways(told), set[str]()
        whole = {one.event for some in rounds for one in some} == {one.event for one in told}
        for some in rounds:
            fresh = {one.event for one in some} - known
            self.stage.tell(some)
            self._drain(len(fresh) + (not known))  # the first time with what the other shop told
            known |= fresh
            self._demand(truth, catalogued(truth[self.key]), "when what was told was read")
            load(self.stage.region.settings, NAME, holder=_HOLDER)
            settle(self.stage.region.settings, NAME)
            self._demand(truth, truth[self.key] if whole else self._told_of(), "when what was told was read and loaded")
        if not whole:
            if failures := self.run():
                raise Failed(STUCK, [f"In the poll {stream}: {said}" for stream, said in failures.items()])
            self._demand(truth, truth[self.key], "after a poll")
        return CONVERGED, []

    def _day(self) -> Sequence[Told]:
        """A day at the vendor, up to which the ids were listed a day ago; returns what is told of it."""
        stage, at = self.stage, now() - A_MOMENT
        stage.put_back()
        stage.day_passes(listed=True)
        clerk = TellingClerk(stage.clerk())
        day = Day(clerk, stage.newcomers, stage.spares, stage.kinds)
        day.passes(at)
        if self.column.today is not None:
            self.column.today(day, at)
        stage.tell([Told("products", "updated", "steady", at, {"id": int(self.steady_changes())})], STEADY)
        return clerk.told

    def _drain(self, many: int) -> None:
        """One round of the consumer, which has so many new events to do."""
        time.sleep(1 - now().microsecond / 1e6)  # a window ends at a whole second, which has to be after what was told
        region = self.stage.region
        found = drain(region.settings, NAME, holder=_HOLDER, linger=timedelta(0))
        if found.failed or found.waiting:
            waiting = inbox.events(region.scope(), "waiting")
            raise Failed(STUCK, [f"{one.topic} could not be done with: {one.reason}" for one in waiting])
        if many and not found.done:
            raise Failed(IDLE, ["No event was drained."])
        if found.done != many:
            raise Failed(LOST, [f"Of {many} events that were told, {found.done} were done."])

    def _told_of(self) -> set[str]:
        """Entities of the streams that events told of."""
        events = inbox.events(self.stage.region.scope(self.key.tenant))
        return self.entities({stream for one in events for stream in one.streams})

    def _demand(self, truth: Truth, names: Collection[str], when: str) -> None:
        for key, rows in self.held().items():
            demand(differences(rows, those(truth[key], names)), when)
