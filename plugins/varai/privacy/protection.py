"""Mapped rows in, rows without people out: subjects become pseudonyms, what identifies them goes to the vault."""

from __future__ import annotations

import pyarrow as pa

from varai.canonical import Entity, entity
from varai.kernel import Scope
from varai.privacy.pseudonyms import AnyFeed, Pseudonyms
from varai.privacy.vault import Personal, Vault

_OWN_IDS = ("source_id", "root_id")


def protect(
    scope: Scope, feed: AnyFeed, entity_name: str, batch: pa.RecordBatch, vault: Vault | None
) -> pa.RecordBatch:
    """Replace subjects' ids by pseudonyms and take vaulted fields out; other columns and the order of rows stay.

    In an entity with vaulted fields each row is a person: its own ids are pseudonymised too, its content hash is keyed
    (or guesses could be tested against it), and its fields go to the vault, with the vendor's id as `source_id`.
    Without a vault the fields are dropped all the same. Entities without subjects come back as they are.

    Raises:
        Misconfigured: an unknown entity, or the scope of a whole region.
    """
    kind = entity(entity_name)
    subjects = [field.name for field in kind.fields if field.subject and field.name in batch.schema.names]
    if not subjects and not kind.vaulted:
        return batch
    pseudonyms = Pseudonyms(scope)
    columns = {name: batch.column(name) for name in batch.schema.names}
    if kind.vaulted and "subject" in columns:
        columns["subject"] = columns["subject"].fill_null(columns["source_id"].cast(columns["subject"].type))
    named = {*subjects, *(_OWN_IDS if kind.vaulted else ())} & columns.keys()
    hidden = {name: pseudonyms.column(feed, columns[name]) for name in sorted(named)}
    if kind.vaulted and vault is not None:
        vault.put(_personal(kind, batch, hidden["source_id"]))
    if kind.vaulted and "content_hash" in columns:
        hidden["content_hash"] = pseudonyms.fingerprints(columns["content_hash"])
    dropped = {field.name for field in kind.vaulted}
    kept = {name: hidden.get(name, column) for name, column in columns.items() if name not in dropped}
    return pa.RecordBatch.from_arrays(list(kept.values()), names=list(kept))


def _personal(kind: Entity, batch: pa.RecordBatch, subjects: pa.Array) -> list[Personal]:
    names = [field.name for field in kind.vaulted if field.name in batch.schema.names]
    rows = batch.select([*names, "source_id"]).to_pylist()
    times = batch.column("source_updated_at").to_pylist()
    return [
        Personal(subject, row, at and at.replace(microsecond=at.microsecond // 1000 * 1000))
        for subject, row, at in zip(subjects.to_pylist(), rows, times, strict=True)
    ]
