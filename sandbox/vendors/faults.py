"""The fault switch of one simulated shop: what shall go wrong, how often, and with which requests.

A fault is set by `POST /<shop>/_faults {"kind": ..., "times": n, "match": text, ...}` and counts down each time it
strikes; `times: -1` strikes until `DELETE /<shop>/_faults`. `match` restricts it to requests whose text (a path with its
query, or a GraphQL query with its variables) contains that text, or all of several. Which kinds a vendor knows, and on
which of its routes, its own module says. The kinds, and what else they take:

- `429` (`retry_after`: seconds, sent as Retry-After when given; `headers`: others), `5xx` (`status`, 503 unless given)
- `cut`: the body ends midway and the connection breaks; `truncated_json`: half of the JSON in a sound HTTP answer
- `slow` (`seconds`, 1.0): the body drips; `wrong_content_type`: an HTML page with status 200
- `expired_token`: the request's token is forgotten and answered 401; `revoked_token`: 401, and no new token is given
- `throttled`: THROTTLED inside HTTP 200, and the bucket is emptied
- `wrong_count` (`delta`, 1): counts and bulk counts are off; `duplicate_page`: the page before is sent again, whole;
  `missing_page`: the rows of one page are passed over in silence
- `slow_bulk` (`seconds`, 1): the operation runs so long before it writes; `stuck_bulk`: for ever; `failed_bulk`: it fails halfway
  with a partial file
- `wrong_version` (`version`): answered by another API version; `clock_skew` (`seconds`): the Date header is off
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """One fault waiting to strike; `on` are the routes it strikes, `options` what its kind takes."""

    kind: str
    times: int = 1
    match: tuple[str, ...] = ()
    on: frozenset[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)


def fault_of(wanted: Mapping[str, Any], kinds: Mapping[str, frozenset[str]]) -> Fault:
    """A fault from the JSON of the switch.

    Args:
        wanted: what was posted.
        kinds: each kind that the vendor knows, and the routes it can strike.

    Raises ValueError with a sentence when it is not understood.
    """
    kind = str(wanted.get("kind"))
    if kind not in kinds:
        raise ValueError(f"'{kind}' is not a kind of fault; the kinds are {', '.join(sorted(kinds))}.")
    chosen = wanted.get("on")
    on = kinds[kind] if chosen is None else frozenset([chosen] if isinstance(chosen, str) else chosen)
    options = {key: value for key, value in wanted.items() if key not in ("kind", "times", "match", "on")}
    match = wanted.get("match", ())
    return Fault(kind, int(wanted.get("times", 1)), (match,) if isinstance(match, str) else tuple(match), on, options)


class Faults:
    """The faults set on one shop; safe to use from several threads."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Set one more fault."""
        with self._lock:
            self._set.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._set.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """The faults still set, for the eye."""
        with self._lock:
            return [
                {"kind": f.kind, "times": f.times, "match": f.match, "on": sorted(f.on), **f.options} for f in self._set
            ]

    def strike(self, kind: str, route: str, text: str) -> Fault | None:
        """The fault of this kind that hits this request, counted down; None when none does."""
        with self._lock:
            for fault in self._set:
                if (
                    fault.kind == kind
                    and route in fault.on
                    and all(one in text for one in fault.match)
                    and fault.times != 0
                ):
                    if fault.times > 0:
                        fault.times -= 1
                    self._set = [kept for kept in self._set if kept.times != 0]
                    return fault
        return None
