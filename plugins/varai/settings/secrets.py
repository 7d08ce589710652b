"""Secrets by name. Embedded: files of mode 0600 under $VARAI_HOME/secrets; cloud: Google Secret Manager."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from varai.kernel import Misconfigured, Slug

_NAME = TypeAdapter(Slug)


def _checked(name: str) -> str:
    try:
        return _NAME.validate_python(name)
    except ValidationError as error:
        raise Misconfigured("A secret's name must be lower-case letters, digits and hyphens.") from error


@dataclass(frozen=True, slots=True)
class FolderSecrets:
    """One file per secret, readable by its owner only."""

    folder: Path

    def read(self, name: str) -> str:
        """Return the secret; raises Misconfigured when it is missing or others may read it."""
        path = self.folder / _checked(name)
        try:
            mode = path.stat().st_mode & 0o077
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise Misconfigured(
                f"The secret `{name}` is not in {self.folder}.",
                "Start the stack with `make up`, which generates what is missing.",
            ) from error
        if mode:
            raise Misconfigured(
                f"The secret `{name}` in {self.folder} can be read by others.", f"Run `chmod 600 {path}`."
            )
        return text.strip()

    def write(self, name: str, value: str) -> None:
        """Create or replace a secret; the file is never readable by others, not even for a moment."""
        path = self.folder / _checked(name)
        self._staged(path, value).replace(path)

    def create(self, name: str, value: str) -> str:
        """Keep `value` unless there is a secret of that name already; returns what is kept, the same to all who race."""
        path = self.folder / _checked(name)
        staged = self._staged(path, value)
        try:
            path.hardlink_to(staged)  # fails if the name exists, whole if it does not
        except FileExistsError:
            return self.read(name)
        finally:
            staged.unlink()
        return value

    def delete(self, name: str) -> None:
        """Remove a secret; no error when it is absent."""
        (self.folder / _checked(name)).unlink(missing_ok=True)

    def _staged(self, path: Path, value: str) -> Path:
        """The value on disk beside its place, under a name nobody else uses."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        return staged


@dataclass(frozen=True, slots=True)
class GoogleSecrets:
    """Secrets of one Google Cloud project, latest version; the workload's identity is the credential."""

    project: str

    def read(self, name: str) -> str:
        """Return the secret; raises Misconfigured when the project has none of that name or access is denied."""
        from google.api_core.exceptions import GoogleAPIError  # the cloud extra; absent on a laptop
        from google.cloud import secretmanager

        path = f"projects/{self.project}/secrets/{_checked(name)}/versions/latest"
        try:
            answer = secretmanager.SecretManagerServiceClient().access_secret_version(name=path)
        except GoogleAPIError as error:
            raise Misconfigured(
                f"The secret `{name}` cannot be read from project {self.project}.",
                "Create it, or grant this workload roles/secretmanager.secretAccessor on it.",
            ) from error
        return str(answer.payload.data.decode())

    def write(self, name: str, value: str) -> None:
        """Refuse: in the cloud secrets are created by Terraform and people, not by this process."""
        del value
        raise Misconfigured(
            f"The secret `{name}` cannot be written from here.", "Add a version with gcloud or Terraform."
        )

    def create(self, name: str, value: str) -> str:
        """Refuse, as `write` does."""
        self.write(name, value)
        return value

    def delete(self, name: str) -> None:
        """Refuse, as `write` does."""
        raise Misconfigured(f"The secret `{name}` cannot be deleted from here.", "Destroy it with gcloud or Terraform.")
