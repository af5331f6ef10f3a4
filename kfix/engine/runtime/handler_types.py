"""Handlers say the types of their topics: looked at when a stage registers them, so that a wrong one fails at import.

Mypy sees the same through ``Topic[R]``; this holds for whoever does not run it, and for functions made at run time.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

from kfix.engine.topics import Topic
from schemas import errors


def check_parameter(call: Callable[..., Any], reads: Topic[Any]) -> None:
    """The first parameter takes every record of the topic. Raises errors.Defect."""
    hints, name = _hints(call), _name(call)
    code = getattr(call, "__code__", None)
    first = code.co_varnames[0] if code is not None and code.co_argcount else ""
    taken = hints.get(first)
    wanted = reads.model
    if not isinstance(taken, type) or not issubclass(wanted, taken):
        raise errors.Defect(
            f"{name} reads {reads.name}, whose records are {wanted.__name__}, and takes {taken}"
        )


def check_answer(call: Callable[..., Any], writes: Sequence[Topic[Any]]) -> None:
    """Everything that the function says to return is of a topic in ``writes``, or None. Raises errors.Defect."""
    hints, name = _hints(call), _name(call)
    if "return" not in hints:
        raise errors.Defect(f"{name} does not say what it returns")
    models = {topic.model for topic in writes}
    for found in _records(hints["return"]):
        if found not in models:
            said = ", ".join(sorted(topic.name for topic in writes)) or "nothing"
            raise errors.Defect(f"{name} returns {found}, and its stage writes {said}")


def _records(annotation: Any) -> Iterator[Any]:
    """The types of single records in an answer's type: of unions each, of sequences their items."""
    origin = get_origin(annotation)
    if annotation is type(None):
        return
    sequence = isinstance(origin, type) and issubclass(origin, Sequence)
    if origin in (Union, types.UnionType) or sequence:
        for part in get_args(annotation):
            if part is not Ellipsis:
                yield from _records(part)
        return
    yield annotation


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(call)
    except NameError as unknown:
        raise errors.Defect(f"{_name(call)} names a type that is not there: {unknown}") from unknown


def _name(call: Callable[..., Any]) -> str:
    return f"{getattr(call, '__module__', '')}.{getattr(call, '__qualname__', repr(call))}"
