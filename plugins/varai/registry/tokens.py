"""The sealed token store: access tokens that rotate are written back by compare-and-swap, encrypted, never logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.errors import DuplicateKeyError

from varai.kernel import Conflict, Scope
from varai.privacy.keys import sealing_key, tenant_of
from varai.stores import documents


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """The token of one feed."""

    scope: Scope
    feed: str

    def _key(self) -> Any:
        return sealing_key(self.scope, tenant_of(self.scope))

    @property
    def _name(self) -> str:
        return f"tokens/{self.scope.tenant}/{self.feed}"

    def get(self) -> tuple[dict[str, Any] | None, int]:
        """The token as the connector wrote it, with its version; (None, version) when there is none, (None, 0) when there never was."""
        found = documents(self.scope)["tokens"].find_one({"_id": self._name})
        if found is None:
            return None, 0
        if "sealed" not in found:
            return None, found["version"]
        return json.loads(self._key().decrypt(found["sealed"], self._name.encode())), found["version"]

    def swap(self, tokens: Mapping[str, Any], version: int) -> int:
        """Replace the token if its version is still `version`; returns the new version. Raises Conflict."""
        collection = documents(self.scope)["tokens"]
        sealed = self._key().encrypt(json.dumps(dict(tokens)).encode(), self._name.encode())
        if version == 0:
            try:
                collection.insert_one({"_id": self._name, "sealed": sealed, "version": 1})
            except DuplicateKeyError as error:
                raise Conflict(f"The token of {self.feed} was written by another process.") from error
            return 1
        result = collection.update_one(
            {"_id": self._name, "version": version}, {"$set": {"sealed": sealed, "version": version + 1}}
        )
        if result.matched_count == 0:
            raise Conflict(f"The token of {self.feed} was rotated by another process.")
        return version + 1

    def forget(self) -> None:
        """Let nobody have the tokens any more; who holds a version of them cannot write over this."""
        change = {"$unset": {"sealed": ""}, "$inc": {"version": 1}}
        documents(self.scope)["tokens"].update_one({"_id": self._name}, change)
