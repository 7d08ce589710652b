"""Object, document and cache clients, made from a Scope; nothing else opens a connection to a store."""

from varai.stores.cache import cache
from varai.stores.documents import documents, failures_as_sentences
from varai.stores.indexes import Indexes, create_indexes, lacking_indexes
from varai.stores.objects import ObjectStore, objects

__all__ = [
    "Indexes",
    "ObjectStore",
    "cache",
    "create_indexes",
    "documents",
    "failures_as_sentences",
    "lacking_indexes",
    "objects",
]
