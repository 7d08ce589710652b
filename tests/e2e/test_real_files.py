"""Real files through the river: the sunglasses shop at its first capture and at its second, counted from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.stack.real import Item, catalogue_of
from sandbox.stores import sunglasses
from tests.e2e.conftest import Vendor, make_region
from tests.e2e.stack import SECRET
from varai.kernel import FeedKey
from varai.registry import SliceState, StreamKey
from varai.river.run import run_feeds
from varai.settings import Settings

_STORES = Path(sunglasses.__file__).parent
_KEY = FeedKey(sunglasses.SHOP, "shop")
