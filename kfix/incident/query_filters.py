"""What a rule's query leaves out, and what it keeps by patterns or by several values: tags that name no single thing. Pure.

Datadog: ``{kube_namespace:shop,!kube_deployment:cart}``, ``kube_deployment:check*``, ``service IN (a, b)``, ``-service:a``. Prometheus:
``deployment!="cart"``, ``pod=~"check.*|pay.*"``; of regular expressions those that are names, with ``.*`` or ``.+`` at either end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfix.incident import globs
from kfix.incident.cluster_tags import asked_pairs, folded
from kfix.incident.prometheus.expressions import is_promql
from kfix.incident.prometheus.labels import shared_name

_MATCHER = re.compile(
    r"""[{,]\s*(?P<label>\w+)\s*(?P<sign>=~|!~|!=|=)\s*(?:"(?P<double>[^"\\]*)"|'(?P<single>[^'\\]*)')"""
)
_PLAIN = re.compile(r"(?P<before>\.[*+])?(?P<name>[A-Za-z0-9_-]*)(?P<after>\.[*+])?")
_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class QueryFilter:
    """Values of a tag, as patterns of which ``*`` is the only sign: wanted, or left out. ``tag`` is folded."""

    tag: str
    patterns: tuple[str, ...]
    wanted: bool

    def fits(self, value: str) -> bool:
        """Is the value one of these?"""
        return any(globs.matches(pattern, value) for pattern in self.patterns)


def filters_of(query: str) -> tuple[QueryFilter, ...]:
    """Every filter of a query; what is asked for of one tag at several places counts together."""
    found: dict[tuple[str, bool], list[str]] = {}
    for tag, pattern, wanted in _said(query):
        found.setdefault((tag, wanted), []).append(pattern)
    return tuple(
        QueryFilter(tag, tuple(dict.fromkeys(patterns)), wanted)
        for (tag, wanted), patterns in found.items()
    )


def _said(query: str) -> Iterator[tuple[str, str, bool]]:
    if is_promql(query):
        yield from _matchers(query)
        return
    for key, value, wanted in asked_pairs(query):
        if not set(value) & set("$?[\\/"):
            yield folded(key), value.lower(), wanted


def _matchers(query: str) -> Iterator[tuple[str, str, bool]]:
    for match in _MATCHER.finditer(query[:_LOOKED_AT]):
        text = match["double"] or match["single"] or ""
        exact = match["sign"] in ("=", "!=")
        parts = [_PLAIN.fullmatch(part) for part in ([text] if exact else text.split("|"))]
        if not text or not all(parts):
            continue
        for part in parts:
            before, after = ("*" if part and part[end] else "" for end in ("before", "after"))
            name = part["name"] if part else ""
            yield (
                folded(shared_name(match["label"])),
                before + name + after,
                match["sign"][0] == "=",
            )
