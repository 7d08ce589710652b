"""Typed errors. Each is a sentence with its cure, and each has one runbook in docs/runbooks/<kind>.md."""

from __future__ import annotations

from typing import ClassVar


class VaraiError(Exception):
    """A failure an operator can act on.

    Args:
        what: one sentence that says what happened, without secrets or personal data.
        cure: one sentence that says what to do about it; the class's own cure when left out.
    """

    kind: ClassVar[str] = "error"
    default_cure: ClassVar[str] = "Read the log of the run."

    def __init__(self, what: str, cure: str | None = None) -> None:
        self.what = what
        self.cure = cure or self.default_cure
        super().__init__(f"{what} {self.cure}")

    def __reduce__(self) -> tuple[type[VaraiError], tuple[str, str]]:
        return (type(self), (self.what, self.cure))

    @property
    def runbook(self) -> str:
        """Path of the runbook, relative to the repository."""
        return f"docs/runbooks/{self.kind}.md"


class Throttled(VaraiError):
    """The vendor asked us to slow down, longer than this run may wait."""

    kind = "throttled"
    default_cure = "The next run goes on from the same window; nothing needs doing unless it repeats for a day."

    def __init__(self, what: str, cure: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(what, cure)
        self.retry_after_s = retry_after_s


class Unauthorised(VaraiError):
    """The vendor refused our credentials or a scope is missing."""

    kind = "unauthorised"
    default_cure = "Reauthorise the feed, then run `varai feeds check`."


class Malformed(VaraiError):
    """What arrived is not what the protocol promises: cut bodies, broken JSON, wrong content types."""

    kind = "malformed"
    default_cure = "The next run asks again; if it repeats, compare the vendor's answer with its schema."


class Gone(VaraiError):
    """What was asked for no longer exists: a shop that closed, a bulk result that expired."""

    kind = "gone"
    default_cure = "Run `varai feeds check`; pause the feed if the shop has closed."


class Unavailable(VaraiError):
    """A vendor or a store of ours did not answer."""

    kind = "unavailable"
    default_cure = "The next run tries again; look at `varai status` if it repeats."


class Unbalanced(VaraiError):
    """Counts do not add up, so the watermark stays where it was."""

    kind = "unbalanced"
    default_cure = (
        "Run `varai reconcile` to see the difference, or accept the slice with `varai slice accept --reason`."
    )


class LeaseHeld(VaraiError):
    """Another run works on this feed or warehouse."""

    kind = "lease-held"
    default_cure = "Wait until it ends; a lease whose holder died expires by itself."


class Misconfigured(VaraiError):
    """A setting, secret or configuration file is wrong or missing. The sentence names file, key and cure."""

    kind = "misconfigured"
    default_cure = "Correct the file or the environment and start again."


class ResidencyBreach(VaraiError):
    """Personal or health data, or another region's data, was about to cross a border. It did not."""

    kind = "residency-breach"
    default_cure = "Send only public or internal fields across regions."


class Conflict(VaraiError):
    """A compare-and-swap lost: somebody else wrote first, or this holder's fencing token is stale."""

    kind = "conflict"
    default_cure = "Run again: the rerun reads what the other writer left."


class ErasuresOpen(VaraiError):
    """People who asked to be forgotten still are not; the law gives a month from the day they asked."""

    kind = "erasures-open"
    default_cure = (
        "Run the task again when the feeds are free; carry out what is overdue with `varai privacy erase --yes`."
    )


class RequestsOpen(VaraiError):
    """People who asked for their data have not been given it in time."""

    kind = "requests-open"
    default_cure = "See `varai privacy requests`, and hand over what lies ready with `varai privacy answer --yes`."


class DiskFull(VaraiError):
    """No space is left where we write. Nothing half-written was kept."""

    kind = "disk-full"
    default_cure = "Free space under VARAI_HOME (`make doctor` says how much is needed) and run again."


class Unexpected(VaraiError):
    """An error nobody foresaw, most likely a mistake of ours; it stopped one stream and nothing else."""

    kind = "unexpected"
    default_cure = "The log of the run has the trace; report it with that."


class InUse(VaraiError):
    """What was to be deleted is being served."""

    kind = "in-use"
    default_cure = "Put something else in its place first; see `varai models list`."


class Untrained(VaraiError):
    """Models of some tenants could not be trained, judged or registered; those before them are served on."""

    kind = "untrained"
    default_cure = "See `varai models list` for each tenant's sentence, then run `varai models train` for it."
