"""All tables of the store, for what needs them all: migrations."""

from __future__ import annotations

from kfix.infra.store import (
    console_tables,
    decide_tables,
    enrich_tables,
    housekeeping_tables,
    learn_tables,
    memory_tables,
    metadata,
    publish_tables,
)

__all__ = [
    "console_tables",
    "decide_tables",
    "enrich_tables",
    "housekeeping_tables",
    "learn_tables",
    "memory_tables",
    "metadata",
    "publish_tables",
]
