"""The champions of a region's tenants, ready to answer: loaded when first asked for, and renewed behind the requests.

What serves is one value, swapped whole: version, model, what is on sale, who asked to be forgotten. It stays when what
would replace it fails, and says that it is stale.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import httpx
import pymongo
import structlog
from pymongo.errors import PyMongoError

from varai import catalogue
from varai.kernel import Gone, Malformed, Scope, Unavailable, VaraiError, utc_now
from varai.learning import eligibility, registered
from varai.learning.answers import Answers
from varai.learning.bundle import Bundle, load
from varai.learning.eligibility import Eligibility
from varai.learning.registered import Version
from varai.privacy import Ledger

EVERY_S: Final = 15.0
"""How often what serves is compared with registry and catalogue, seconds."""
PATIENCE_S: Final = 3.0
"""How long the registry, and a question to the document store, is waited for, seconds."""
_READING_S: Final = 30.0
"""The same, where a whole catalogue is read from a store that has just answered."""
_AGAIN_S: Final = 5.0
_REREAD_S: Final = 300.0
_IDLE_S: Final = 3600.0
_MOST: Final = 256
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Champion:
    """What answers for one tenant now.

    Attributes:
        version, bundle: of the model. answers: gives answers by it.
        eligible: what is on sale; read at catalogue version `shelf`, at `read_at` of the monotonic clock.
        erased: pseudonyms of those who asked to be forgotten since the model was trained, or before.
        stale: whether it may be behind registry or catalogue, because one of them could not be read.
    """

    version: Version
    bundle: Bundle
    answers: Answers
    eligible: Eligibility
    erased: frozenset[str]
    shelf: int
    read_at: float
    stale: bool


@dataclass(slots=True, eq=False)
class _Seat:
    tenant: str
    model: str
    champion: Champion | None = None
    failure: VaraiError | None = None
    tried_at: float = float("-inf")
    asked_at: float = 0.0
    filling: threading.Lock = field(default_factory=threading.Lock)


class Champions:
    """The champions of one region.

    Args:
        scope_of: the scope of a tenant by its name.
        every_s: seconds between two rounds of renewal. A thread makes them, from the first champion loaded to `close`.
    """

    def __init__(self, scope_of: Callable[[str], Scope], *, every_s: float = EVERY_S) -> None:
        self._scope_of, self._every_s = scope_of, every_s
        self._seats: dict[tuple[str, str], _Seat] = {}
        self._changing = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._client = httpx.Client(timeout=PATIENCE_S, trust_env=False)

    def current(self, tenant: str, model: str) -> Champion | None:
        """What answers for a tenant, without any input or output; None when it has to be loaded."""
        seat = self._seats.get((tenant, model))
        if seat is None or seat.champion is None:
            return None
        seat.asked_at = time.monotonic()
        return seat.champion

    def load(self, tenant: str, model: str) -> Champion:
        """What answers for a tenant, loaded if need be. A failure is remembered for some seconds: it is dear to find out.

        It waits for stores, and for whoever loads the same: never to be called where requests wait for threads.

        Raises:
            Gone: no version was promoted yet. Misconfigured: the region has no registry.
            Unavailable, Malformed: it cannot be loaded, and there was none before.
        """
        seat = self._seat(tenant, model)
        with seat.filling:
            if seat.champion is None:
                if seat.failure is None or time.monotonic() - seat.tried_at >= _AGAIN_S:
                    self._renew(seat, registry_answers=True)
                if seat.failure is not None:
                    raise type(seat.failure)(seat.failure.what, seat.failure.cure)
            if seat.champion is None:
                raise Gone(
                    "No model of this tenant serves yet.", "Train it with `varai models train`, or wait for the DAG."
                )
            return seat.champion

    def renew(self) -> None:
        """One round: compare everything that serves with registry and catalogue, and replace what is behind."""
        registry_answers = True
        with self._changing:
            seats = list(self._seats.values())
        for seat in seats:
            if time.monotonic() - seat.asked_at > _IDLE_S:
                with self._changing:  # a request that looks for the idlest seat goes through them meanwhile
                    self._seats.pop((seat.tenant, seat.model), None)
            elif seat.champion is not None:
                with seat.filling:
                    # A registry that is down is waited for once a round, not once a tenant.
                    registry_answers = self._renew(seat, registry_answers=registry_answers)

    def close(self) -> None:
        """End the thread, and let go of the connection."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        self._client.close()

    def _seat(self, tenant: str, model: str) -> _Seat:
        with self._changing:
            if self._thread is None:
                self._thread = threading.Thread(target=self._rounds, name="champions", daemon=True)
                self._thread.start()
            seat = self._seats.setdefault((tenant, model), _Seat(tenant, model))
            seat.asked_at = time.monotonic()
            if len(self._seats) > _MOST:
                idlest = min(self._seats.values(), key=lambda one: one.asked_at)
                del self._seats[idlest.tenant, idlest.model]
            return seat

    def _rounds(self) -> None:
        while not self._ending.wait(self._every_s):
            try:
                self.renew()
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one round meets
                log.error("champions.round", kind=type(error).__name__)

    def _renew(self, seat: _Seat, *, registry_answers: bool) -> bool:
        """Fill or renew a seat; returns whether the registry is still to be asked. The failure is kept where nothing serves.

        Whatever goes wrong with one tenant ends here: the seats behind it are renewed all the same.
        """
        held, found = seat.champion, None
        failure: Exception | None = None
        try:
            scope = self._scope_of(seat.tenant)
            if not registry_answers:
                raise Unavailable("The registry of models does not answer.")
            version = registered.champion(scope, seat.model, self._client)
            if version is None:
                raise Gone("No model of this tenant serves yet.", "Wait until one is trained and promoted.")
            found = self._filled(scope, version, held)
        except Exception as error:  # noqa: BLE001 - one tenant's error must not stop the renewal of others
            failure = error
            # Without the document store nothing can be laid anew: it is not waited for twice.
            hopeless = isinstance(error, Gone) or (held is None and isinstance(error, PyMongoError))
            found = None if hopeless else self._kept(seat, held)
            log.warning(
                "champion.kept" if found is not None else "champion.none", tenant=seat.tenant, kind=type(error).__name__
            )
        seat.champion = found
        seat.failure = _told(failure) if failure is not None and found is None else None
        seat.tried_at = time.monotonic()  # after the attempt: finding out may take longer than it is remembered
        # Only silence is waited for; a refusal, or a 500 for one model, says nothing about others.
        silent = isinstance(failure, Unavailable) and isinstance(failure.__cause__, httpx.TransportError)
        return registry_answers and not silent

    def _filled(self, scope: Scope, version: Version, held: Champion | None) -> Champion:
        if held is not None and held.version == version:
            return self._seen(scope, replace(held, stale=False))
        bundle = load(scope, version.bundle, version.sha256)
        if bundle.model != version.model:
            raise Malformed("The registry's champion is another model.", "Roll it back.")
        answers = Answers(scope, version.model, version.number, version.sha256[:16])
        fresh = Champion(version, bundle, answers, *_shelf(scope, bundle), stale=False)
        _behind(scope, "served", lambda: registered.remember(scope, version))
        return fresh

    def _kept(self, seat: _Seat, held: Champion | None) -> Champion | None:
        """What served before, with what is on sale now; of a process that has just begun, what served last."""
        try:
            scope = self._scope_of(seat.tenant)
            if held is not None:
                return self._seen(scope, replace(held, stale=True))
            last = registered.recalled(scope, seat.model)
            return replace(self._filled(scope, last, None), stale=True) if last else None
        except Exception as error:  # noqa: BLE001 - what served goes on, whatever is wrong with what would replace it
            log.warning("champion.unread", tenant=seat.tenant, kind=type(error).__name__)
            return replace(held, stale=True) if held is not None else None

    def _seen(self, scope: Scope, held: Champion) -> Champion:
        """The same model beside today's catalogue and ledger; stale where they cannot be read."""
        try:
            with pymongo.timeout(PATIENCE_S):
                same = catalogue.version(scope, str(scope.tenant)) == held.shelf
                if same and time.monotonic() - held.read_at < _REREAD_S:
                    return replace(held, erased=Ledger(scope).subjects)
            eligible, erased, shelf, read_at = _shelf(scope, held.bundle)
            return replace(held, eligible=eligible, erased=erased, shelf=shelf, read_at=read_at)
        except Exception as error:  # noqa: BLE001 - what is on sale goes on as it was read before
            log.warning("eligibility.kept", tenant=scope.tenant, kind=type(error).__name__)
            return replace(held, stale=True)


def _shelf(scope: Scope, bundle: Bundle) -> tuple[Eligibility, frozenset[str], int, float]:
    """What is on sale, who is erased, and what both were read at. The version is read first: a later one is read again."""
    now = utc_now()
    with pymongo.timeout(PATIENCE_S):
        shelf, erased = catalogue.version(scope, str(scope.tenant)), Ledger(scope).subjects
    with pymongo.timeout(_READING_S):
        state = eligibility.on_sale(scope, now)
    laid = eligibility.lay(state, bundle)
    _behind(scope, "eligibility", lambda: eligibility.keep(scope, state, now))
    return laid, erased, shelf, time.monotonic()


def _behind(scope: Scope, what: str, write: Callable[[], None]) -> None:
    """Write what stands behind an answer. It may fail without failing the answer (decision 0017)."""
    try:
        write()
    except Exception as error:  # noqa: BLE001 - whatever a full disk or a missing right raises, shoppers are answered
        log.warning("champion.unwritten", what=what, tenant=scope.tenant, kind=type(error).__name__)


def _told(error: Exception) -> VaraiError:
    if isinstance(error, VaraiError):
        return error
    if isinstance(error, FileNotFoundError):
        return Malformed("The model that is to serve is not in the bucket.", "Train it again, or roll back.")
    return Unavailable(f"What a model needs to serve cannot be read ({type(error).__name__}).")
