"""A digest of everything that is answered, so that nothing changes unseen: evidence, rivals, facts, plans and their inverse.

Sentences count by their id and what they are filled with, not by their words: those may be reworded freely.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from decide.core.families.registry import RULES
from decide.core.findings import Finding
from decide.core.opinion import Verdict
from decide.core.view import ClusterView
from manifests.objects.workloads import Workload
from schemas.context import ContextBundle
from schemas.text import text_of

_DIGITS = 8


def digest_of(verdict: Verdict) -> str:
    """Of all that a verdict says, in hexadecimal digits."""
    return digest(
        [
            verdict.status,
            verdict.reason,
            verdict.analysis,
            verdict.plans,
            [(one.where, one.what) for one in verdict.broken],
        ]
    )


def found_in(bundle: ContextBundle) -> list[str]:
    """What each rule finds before anything is ranked, a line each: score, class, object, and a digest of the rest."""
    view = ClusterView(bundle)
    return [line_of(one) for rule in RULES for one in rule(view)]


def line_of(found: Finding[Any]) -> str:
    """A finding in a line: score, class, object, and digests of the rest."""
    rest = digest([found.detail, found.evidence, found.against, type(found.facts).__name__])
    facts = digest(found.facts)
    return f"{found.score:.3f} {found.failure_class} of {found.object.key}, {rest}, facts {facts}"


def digest(value: Any) -> str:
    """Of any value, in hexadecimal digits; a sentence as its id and parameters."""
    text = json.dumps(_plain(value), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    """Anything as what JSON can say; a sentence as its id and parameters."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Workload):
        return [value.ref.key, len(value.pods)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        if value.get("id") == "texts.both":
            return "both"
        return {str(k): _plain(v) for k, v in value.items() if not _said(value.get(f"{k}_text"))}
    if isinstance(value, (set, frozenset)):
        return sorted(json.dumps(_plain(one), sort_keys=True, default=str) for one in value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    text = text_of(value)
    return value if text is None else _plain(text)


def _said(text: Any) -> bool:
    """Whether the sentence beside this is known by what it says."""
    return bool(text) and (not isinstance(text, list) or all(text))
