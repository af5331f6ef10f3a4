"""Parts of objects that may have any shape.

For evidence what is not as it should be is as good as not there: an empty value. For checks it is not: what is there
and has another shape than Kubernetes gives it raises ``Misshapen``; unreadable is not the same as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Obj = Mapping[str, Any]
_NOTHING: Obj = {}


class Misshapen(ValueError):
    """A part of an object has another shape than Kubernetes gives it. The text says where."""


def at(node: object, *keys: str) -> Any:
    """The value at a chain of keys, ``None`` where it leads nowhere."""
    for key in keys:
        # Asked of every object of a dump: most are plain dicts, and an abstract class costs ten times as much to ask.
        if type(node) is not dict and not isinstance(node, Mapping):
            return None
        node = node.get(key)
    return node


def mapping(node: object, *keys: str) -> Obj:
    """The mapping at a chain of keys, empty where there is none."""
    found = at(node, *keys) if keys else node
    if type(found) is dict:
        return found
    return found if isinstance(found, Mapping) else _NOTHING


def mappings(node: object, *keys: str) -> list[Obj]:
    """The mappings in the list at a chain of keys."""
    return [item for item in items(node, *keys) if isinstance(item, Mapping)]


def items(node: object, *keys: str) -> list[Any]:
    """The list at a chain of keys, empty where there is none."""
    found = at(node, *keys) if keys else node
    return found if isinstance(found, list) else []


def text(node: object, *keys: str) -> str:
    """The word at a chain of keys as text, empty where there is none or something else."""
    found = at(node, *keys) if keys else node
    return str(found) if isinstance(found, str | int | float) else ""


def number(value: object, default: int = 0) -> int:
    """An integer field, ``default`` when absent or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        return int(value)
    except (ValueError, OverflowError):
        return default


def strict_mapping(node: object, *keys: str) -> Obj:
    """The mapping at a chain of keys, empty where nothing or null is. Raises Misshapen for anything else there."""
    return _strict(node, keys, _is_mapping, "mapping") or _NOTHING


def strict_mappings(node: object, *keys: str) -> list[Obj]:
    """The list of mappings at a chain of keys, empty where nothing or null is. Raises Misshapen for anything else."""
    found: list[Obj] = _strict(node, keys, _is_list, "list of mappings") or []
    return found


def strict_number(node: object, *keys: str, default: int) -> int:
    """The integer at a chain of keys, ``default`` where nothing or null is. Raises Misshapen for anything else."""
    found = _strict(node, keys, _is_number, "whole number")
    return default if found is None else int(found)


def _strict(node: object, keys: tuple[str, ...], fits: Any, what: str) -> Any:
    for depth, key in enumerate(keys):
        if node is None:
            return None
        if not isinstance(node, Mapping):
            raise Misshapen(f"{'.'.join(keys[:depth]) or 'the object'} is no mapping")
        node = node.get(key)
    if node is not None and not fits(node):
        raise Misshapen(f"{'.'.join(keys) or 'the object'} is no {what}")
    return node


def _is_mapping(node: object) -> bool:
    return isinstance(node, Mapping)


def _is_list(node: object) -> bool:
    return isinstance(node, list) and all(isinstance(item, Mapping) for item in node)


def _is_number(node: object) -> bool:
    return isinstance(node, int) and not isinstance(node, bool)
