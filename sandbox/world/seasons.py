"""When people buy: two years of instants with growth, seasons, weekdays, hours and promotions.

In: a spec. Out: instants (UTC, sorted, before the anchor) and the promotion that ran at an instant.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from sandbox.world.spec import WorldSpec

MONTH = (1.10, 0.85, 0.95, 1.05, 1.15, 1.25, 1.20, 1.05, 1.00, 0.90, 1.15, 1.45)
SUN_SHARE = (0.12, 0.15, 0.30, 0.45, 0.62, 0.72, 0.75, 0.62, 0.35, 0.20, 0.18, 0.22)
WEEKDAY = (0.95, 0.90, 0.92, 0.98, 1.05, 1.20, 1.25)
_HOUR = (1, 1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 10, 9, 8, 8, 9, 10, 12, 14, 14, 11, 7, 3)


@dataclass(frozen=True)
class Promotion:
    """A sale of the whole shop: `percent` off every frame, given automatically per line."""

    title: str
    start: tuple[int, int]
    end: tuple[int, int]
    percent: int
    pull: float

    def runs_on(self, day: date) -> bool:
        """Both ends belong to it."""
        return self.start <= (day.month, day.day) <= self.end


PROMOTIONS = (
    Promotion("Spring sale", (3, 20), (3, 29), 10, 1.5),
    Promotion("Summer sale", (7, 8), (7, 20), 15, 1.7),
    Promotion("Black week", (11, 22), (11, 30), 20, 2.6),
)


def promotion_on(day: date) -> Promotion | None:
    """The promotion of a business date, if one runs."""
    return next((promotion for promotion in PROMOTIONS if promotion.runs_on(day)), None)


def make_instants(spec: WorldSpec, rng: Random) -> list[datetime]:
    """`spec.orders` instants, sorted, between the first business date and the anchor."""
    zone = ZoneInfo(spec.timezone)
    last = spec.anchor.astimezone(zone).date() - timedelta(days=1)
    days = [last - timedelta(days=back) for back in range(spec.days - 1, -1, -1)]
    weights = list(accumulate(_pull(day, place / len(days)) for place, day in enumerate(days)))
    found = []
    for _ in range(spec.orders):
        day = days[bisect(weights, rng.random() * weights[-1])]
        hour = rng.choices(range(24), _HOUR)[0]
        local = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), tzinfo=zone)
        found.append(local.astimezone(UTC))
    return sorted(found)


def _pull(day: date, progress: float) -> float:
    promotion = promotion_on(day)
    return MONTH[day.month - 1] * WEEKDAY[day.weekday()] * (1 + 0.4 * progress) * (promotion.pull if promotion else 1.0)
