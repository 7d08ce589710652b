"""The immutable raw zone: a vendor's records, kept once per slice, with counts and checksums, sealed where they are personal."""

from varai.landing.events import INDEXES, Event, EventsPlace, LandedEvents, land_events, sweep_events
from varai.landing.forget import LandingPlace, rewrite
from varai.landing.land import Landed, commit, land
from varai.landing.manifest import Manifest, batches, find, manifests, sweep
from varai.landing.reading import Reading, read, read_passing

__all__ = [
    "INDEXES",
    "Event",
    "EventsPlace",
    "Landed",
    "LandedEvents",
    "LandingPlace",
    "Manifest",
    "Reading",
    "batches",
    "commit",
    "find",
    "land",
    "land_events",
    "manifests",
    "read",
    "read_passing",
    "rewrite",
    "sweep",
    "sweep_events",
]
