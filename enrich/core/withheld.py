"""Alerts that are recorded and not acted on: somebody tries a notification, or people silenced what fired. Pure.

Source: docs.datadoghq.com/monitors/downtimes (scopes: tags joined by commas or AND, wildcards in values).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from kfix.texts import say
from schemas.alerts import Alert
from schemas.context import Monitor, Silence
from schemas.subjects import Withheld

_AND = re.compile(r"\s*,\s*|\s+and\s+", re.IGNORECASE)
#: What makes a scope more than tags that all have to be there: such a one is not taken for ours.
_COMPLEX = re.compile(r"[()!]|\bor\b|\bnot\b|\bin\b", re.IGNORECASE)


def withheld(
    alert: Alert, monitor: Monitor | None, tags: Mapping[str, str], at: datetime
) -> Withheld:
    """Why nothing is to be done; ``kind`` is empty where something is. ``tags``: everything that the alert is about."""
    if alert.is_test:
        return Withheld(kind="test", reason=say("enrich.withheld.test"))
    silences = monitor.silences if monitor is not None else ()
    found = next((s for s in silences if _lasts(s, at) and _covers(s.scope, tags)), None)
    if found is None:
        return Withheld()
    everything = found.scope.strip() in ("", "*")
    said = say("enrich.withheld.monitor") if everything else ""
    return Withheld(kind="muted", reason=said or say("enrich.withheld.scope", scope=found.scope))


def _lasts(silence: Silence, at: datetime) -> bool:
    now = at.timestamp()
    begun = silence.since is None or silence.since <= now
    return begun and (silence.until is None or now < silence.until)


def _covers(scope: str, tags: Mapping[str, str]) -> bool:
    text = scope.strip()
    if text in ("", "*"):
        return True
    if _COMPLEX.search(text):
        return False
    return all(_is_tag(part, tags) for part in _AND.split(text) if part)


def _is_tag(part: str, tags: Mapping[str, str]) -> bool:
    name, colon, wanted = part.strip().lower().partition(":")
    values = tags.get(name, "").lower().split(",")
    return bool(colon) and any(value and fnmatchcase(value, wanted) for value in values)
