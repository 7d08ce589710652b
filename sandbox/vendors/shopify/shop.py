"""One shop in the running simulator: its file, bucket, faults, bulk operations and the log of what was asked of it."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from sandbox.vendors.faults import Faults
from sandbox.vendors.shopify.bulk import BulkOperations
from sandbox.vendors.shopify.cost import Bucket
from sandbox.vendors.shopify.reader import ShopReader

LOGGED = 2_000
URL_LIFE_S = 7 * 86_400


class Shop:
    """The living part of a simulated shop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self.inode = path.stat().st_ino
        self.faults = Faults()
        self.log: deque[dict[str, Any]] = deque(maxlen=LOGGED)
        self.last_pages: dict[str, bytes] = {}
        self.bulk = BulkOperations(path, path.parent / ".bulk" / path.stem)
        self._readers = threading.local()
        facts = self.reader.meta()
        self._signing = facts["client_secret"].encode()
        self.bucket = Bucket(float(facts["restore_rate"]))

    @property
    def reader(self) -> ShopReader:
        """This thread's reader."""
        found: ShopReader | None = getattr(self._readers, "reader", None)
        if found is None:
            found = ShopReader(self.path)
            self._readers.reader = found
        return found

    def signed_path(self, number: int) -> str:
        """The path and query of a bulk file's address, good for a week without any token."""
        expires = int(time.time()) + URL_LIFE_S
        path = f"/{self.name}/bulk/{number}.jsonl"
        return f"{path}?Expires={expires}&Signature={self._signature(path, expires)}"

    def may_fetch(self, path: str, expires: str, signature: str) -> bool:
        """Whether a signed address is genuine and still good."""
        if not expires.isdigit() or int(expires) < time.time():
            return False
        return hmac.compare_digest(signature, self._signature(path, int(expires)))

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._signing, f"{path}:{expires}".encode(), hashlib.sha256).hexdigest()


class Shops:
    """All shops of a folder, opened when first asked for; one whose file was made anew is opened anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Shop] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """The shops there are."""
        return sorted(path.stem for path in self._folder.glob("*.sqlite"))

    def get(self, name: str) -> Shop | None:
        """A shop by its name; None when there is none."""
        path = self._folder / f"{name}.sqlite"
        if "/" in name or name.startswith(".") or not path.is_file():
            return None
        with self._lock:
            shop = self._open.get(name)
            if shop is None or shop.inode != path.stat().st_ino:
                shop = self._open[name] = Shop(path)
            return shop
