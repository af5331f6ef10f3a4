"""Does an answer of Datadog belong to the question? Pure.

Datadog says of a series which metric and scope it has, and of a log event its tags. What contradicts the question is
another question's answer; a tag that an answer does not carry contradicts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_METRIC = re.compile(r"(?:\w+:)?([A-Za-z][\w.\-]*)\{([^{}]*)\}")
_PAIR = re.compile(r'([\w.\-/]+):"?([^",\s]+)"?')
#: Not a plain conjunction of tags: nothing can be told of it by looking.
_LOGIC = re.compile(r"[!()*]|\b(?:AND|OR|NOT|IN)\b")


def same_query(asked: str, told: str) -> bool:
    """The same query, however it is spaced and whatever the case of its letters."""
    return "".join(asked.split()).lower() == "".join(told.split()).lower()


def of_other_series(asked: Sequence[str], item: Mapping[str, Any]) -> bool:
    """Has a series another metric or another scope than each of the queries asked for?"""
    told = _pairs(f"{item.get('scope') or ''},{','.join(map(str, item.get('tag_set') or ()))}")
    return not any(_asks_for(query, str(item.get("metric") or ""), told) for query in asked)


def _asks_for(query: str, metric: str, told: Mapping[str, set[str]]) -> bool:
    parts = _METRIC.findall(query)
    if not parts:
        return metric == query
    if len(parts) > 1:
        return True  # a formula: its series are named after it
    name, wanted = parts[0]
    if metric.lower() != name.lower():
        return False
    return bool(_LOGIC.search(wanted)) or not contradicts(_pairs(wanted), told)


def of_other_log(search: str, service: str, tags: Iterable[str]) -> bool:
    """Has a log event another service, or another value of a tag, than the search asked for?"""
    if _LOGIC.search(search):
        return False
    wanted = _pairs(search)
    told = {**_pairs(",".join(tags)), "service": {service.lower()} if service else set()}
    return contradicts(wanted, told)


def contradicts(wanted: Mapping[str, set[str]], told: Mapping[str, set[str]]) -> bool:
    """Is a wanted tag told with other values only?"""
    return any(told.get(name) and not told[name] & values for name, values in wanted.items())


def _pairs(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, value in _PAIR.findall(text):
        found.setdefault(name.lower(), set()).add(value.lower())
    return found
