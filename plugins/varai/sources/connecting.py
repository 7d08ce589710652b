"""What the river asks of a connector whose feeds a merchant authorises, on a page of the vendor's."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from varai.sources.contract import Session


@dataclass(frozen=True, slots=True)
class Connected:
    """What the vendor gave.

    Attributes:
        granted: permissions, and those they imply.
        problems: sentences with their cure for what streams need and was not given.
    """

    granted: tuple[str, ...]
    problems: tuple[str, ...]


@runtime_checkable
class Connecting(Protocol):
    """A connector whose vendor gives tokens when a merchant has agreed."""

    def authorise_at(self, session: Session, state: str, *, without: Collection[str] = ()) -> str:
        """The address at which the merchant agrees.

        Args:
            session: of the feed.
            state: comes back with the answer, which is no good without it.
            without: permissions that are not asked for.

        Raises:
            Misconfigured: the feed, or its secret, lacks what this needs.
        """
        ...

    def connect(self, session: Session, answer: str, known: Callable[[str], bool]) -> Connected:
        """Check what came back, exchange it for tokens, and keep these in the session's token store.

        Args:
            session: of the feed.
            answer: the address that the merchant's browser was sent to, or its query.
            known: whether this is the state that was given out; it is good once.

        Raises:
            Unauthorised: the answer is not the vendor's, not this feed's, or was used before; nothing has changed.
            Misconfigured: as above.
        """
        ...
