"""Errors as the Admin API words them: each becomes one entry of `errors` in a GraphQL answer."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal; `extensions` carries the code, `data_null` says whether `data: null` is sent beside it."""

    def __init__(self, message: str, *, code: str, path: list[str] | None = None, **extensions: Any) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.extensions: dict[str, Any] = {"code": code, **extensions}

    def entry(self) -> dict[str, Any]:
        """The entry of `errors`."""
        made: dict[str, Any] = {"message": self.message, "extensions": self.extensions}
        if self.path is not None:
            made["path"] = self.path
        return made


class AccessDenied(ApiError):
    """A field needs a scope that the token was not granted."""

    def __init__(self, field: str, scope: str, path: list[str]) -> None:
        super().__init__(
            f"Access denied for {field} field. Required access: `{scope}` access scope.",
            code="ACCESS_DENIED",
            path=path,
            requiredAccess=f"`{scope}` access scope.",
            documentation="https://shopify.dev/api/usage/access-scopes",
        )
