"""What people's templates put into objects of their own, and write in capitals, brought to where the fields are looked for. Pure.

Other products' templates have ``"metadata": {"tags": "$TAGS", …}``, ``"metadata": {"ALERT_ID": "$ALERT_ID", …}``,
``"labels": {"tags": "$TAGS"}, "annotations": {"title": "$EVENT_TITLE"}`` or ``"payload": {"custom_details": {…}}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.core.reading import Document
from ingest.sources.datadog import products

#: Objects that mean something as a whole, and are read as such.
_WHOLE = frozenset({"org", "tags", "logs_sample", "logs", "anomalies", *products.OBJECTS})
#: Of these an ``id`` is the monitor's, and a name the monitor's name.
_OF_MONITOR = {"id": "monitor_id", "name": "monitor_name", "query": "alert_query"}
_RENAMED: dict[str, Mapping[str, str]] = {
    "monitor": _OF_MONITOR,
    "alert": {"id": "", "name": "alert_name"},  # an event's or a monitor's: it is not said whose
}
_DEEP, _MOST = 3, 64


def levelled(document: Document) -> Document:
    """The payload's fields by their names in small letters; those of inner objects where the outer ones have none."""
    found: Document = {}
    for name, value in _fields(document, 0, {}):
        if name and (name not in found or _is_empty(found[name])):
            found[name] = value
    return found


def _fields(
    inside: Mapping[str, Any], depth: int, renamed: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    inner: list[tuple[str, Mapping[str, Any]]] = []
    exact = [(key, value) for key, value in inside.items() if key == key.lower()]
    others = [(key.lower(), value) for key, value in inside.items() if key != key.lower()]
    for name, value in exact + others:
        if isinstance(value, Mapping) and name not in _WHOLE:
            inner.append((name, value))
        yield renamed.get(name, name), value
    if depth < _DEEP:
        for name, value in inner[:_MOST]:
            yield from _fields(value, depth + 1, _RENAMED.get(name, {}))


def _is_empty(value: object) -> bool:
    return value is None or value == "" or isinstance(value, Mapping)
