"""All tables of the store, for what needs them all: migrations."""

from __future__ import annotations

from kfix.store import (
    decide_tables,
    learn_tables,
    memory_tables,
    metadata,
    publish_tables,
)

__all__ = ["decide_tables", "learn_tables", "memory_tables", "metadata", "publish_tables"]
