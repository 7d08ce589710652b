"""What keeps people's data theirs: sealing, pseudonyms, vault, erasure ledger, audit chain, residency guard."""

from varai.privacy import audit, residency
from varai.privacy.collections import INDEXES, ensure_indexes
from varai.privacy.erasure import ErasureReport, Finding, Place, erase, where
from varai.privacy.ledger import Erasure, Ledger, overdue
from varai.privacy.memory import memory_file
from varai.privacy.protection import protect
from varai.privacy.pseudonyms import AnyFeed, Pseudonyms
from varai.privacy.requests import Request, Requests, overdue_requests
from varai.privacy.sealing import create_object, move_object, open_object, seal_bytes, unseal_bytes
from varai.privacy.vault import Personal, Vault, VaultReport

__all__ = [
    "INDEXES",
    "AnyFeed",
    "Erasure",
    "ErasureReport",
    "Finding",
    "Ledger",
    "Personal",
    "Place",
    "Pseudonyms",
    "Request",
    "Requests",
    "Vault",
    "VaultReport",
    "audit",
    "create_object",
    "ensure_indexes",
    "erase",
    "memory_file",
    "move_object",
    "open_object",
    "overdue",
    "overdue_requests",
    "protect",
    "residency",
    "seal_bytes",
    "unseal_bytes",
    "where",
]
