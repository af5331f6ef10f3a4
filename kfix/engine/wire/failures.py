"""What is said of a value that is no record of its topic. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from kfix.engine.topics import Topic
from schemas import errors


def undecodable(topic: Topic[Any], error: ValidationError) -> errors.Undecodable:
    """Where and why a value is no record of the topic. The value itself is not repeated: it may hold secrets."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"])
    reason = "malformed" if first["type"] == "json_invalid" else "invalid"
    text = f"no {topic.model.__name__}: {where or 'value'}: {first['msg']}"
    if len(problems) > 1:
        text += f" (and {len(problems) - 1} more)"
    return errors.Undecodable(text, reason=reason)
