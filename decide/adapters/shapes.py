"""Answers of services whose clients build objects without looking: what is not there shows only when it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from decide.ports import Completion
from schemas import errors


def shaped(read: Callable[[Any], Completion], answer: Any) -> Completion:
    """What ``read`` finds in ``answer``. Raises ``errors.Rejected`` (``malformed``) when it is not there."""
    try:
        return read(answer)
    except (AttributeError, TypeError, ValueError, LookupError) as failure:
        raise errors.Rejected("an answer of no known shape", reason="malformed") from failure
