"""What a stage was told by the world when it decided, kept with the decision. Written by decide and safety, read by ``kfix replay``."""

from __future__ import annotations

from typing import Literal

from schemas.base import Model


class World(Model):
    """The answers to a stage's questions, and what it decided by.

    ``notes``: zlib over JSON, written and read by ``kfix.engine.runtime.worlds`` alone. None in records of older
    versions, and with ``left_out``: they were too large, or nothing that JSON can carry.
    """

    notes: bytes | None = None
    left_out: Literal["", "too_large", "unwritable"] = ""
