"""The question put to a model, and what its answer may look like. Pure.

The model sees reasons, numbers and short, delimited excerpts; it answers with identifiers that the question offered:
a hypothesis and a plan by their labels. No free string of its answer can become part of a plan.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.context import ContextBundle, LogExcerpt, Pattern, SimilarIncident
from schemas.plans import ActionPlan, Analysis

#: Characters of outside text in one excerpt, and of all log lines together.
_EXCERPT = 300
_LOGS = 4_000
#: Evidence statements shown.
_STATEMENTS = 25
_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


class Answer(BaseModel):
    """What the model must answer: labels from the question, a number, and prose that only people read."""

    model_config = ConfigDict(extra="forbid")

    #: Label of a hypothesis (``H1``) or ``none``.
    hypothesis: str = Field(max_length=8)
    #: Label of a plan (``P1``) or ``none``.
    plan: str = Field(max_length=8)
    verdict: Literal["fix", "no_action", "needs_human"]
    confidence: float = Field(ge=0.0, le=1.0)
    explanation: str = Field(max_length=1200)


@dataclass(frozen=True, slots=True)
class Question:
    """A rendered prompt. ``key`` identifies its content, for the cache."""

    system: str
    user: str
    prompt_version: str
    hypotheses: tuple[str, ...]
    plans: tuple[str, ...]

    @property
    def key(self) -> str:
        return hashlib.sha256(
            f"{self.prompt_version}\0{self.system}\0{self.user}".encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Opinion:
    """The model's answer, or why there is none (``failure``: a stable word)."""

    provider: str = ""
    model: str = ""
    answer: Answer | None = None
    failure: str = ""
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A versioned prompt file: ``system`` and ``user`` with ``{placeholders}``."""

    version: str
    system: str
    user: str


def parse_prompt(text: str, version: str) -> Prompt:
    """Reads a prompt file: ``## system`` and ``## user`` sections. Raises ValueError when one is missing."""
    sections = re.split(r"^## (system|user)\s*$", text, flags=re.M)
    found = dict(zip(sections[1::2], (part.strip() for part in sections[2::2]), strict=True))
    if set(found) != {"system", "user"}:
        raise ValueError(f"prompt {version} needs the sections system and user")
    return Prompt(version, found["system"], found["user"])


def inert(text: str, limit: int = _EXCERPT) -> str:
    """Outside text for a prompt: no control, format or private-use characters, our delimiters broken, capped."""
    clean = "".join(
        " " if unicodedata.category(character) in _FORBIDDEN else character for character in text
    )
    clean = re.sub(r"\s+", " ", clean).replace("<<", "‹").replace(">>", "›").strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def ask(
    prompt: Prompt, bundle: ContextBundle, analysis: Analysis, plans: Sequence[ActionPlan]
) -> Question:
    """Renders the question about a diagnosis and its candidate plans."""
    hypotheses = tuple(f"H{n}" for n in range(1, len(analysis.hypotheses) + 1))
    labels = tuple(f"P{n}" for n in range(1, len(plans) + 1))
    values = {
        "alert": _alert(bundle),
        "state": _state(bundle, analysis),
        "logs": _logs(bundle.logs),
        "hypotheses": "\n".join(
            f"{label}: {h.failure_class} — {h.object.key} — {inert(h.root_cause)} ({h.confidence:.2f})"
            for label, h in zip(hypotheses, analysis.hypotheses, strict=True)
        ),
        "plans": "\n".join(
            f"{label}: {_plan(plan)}" for label, plan in zip(labels, plans, strict=True)
        )
        or "-",
        "similar": "\n".join(_similar(s) for s in bundle.similar_incidents) or "-",
        "worked": "\n".join(_pattern(p) for p in bundle.successful_patterns) or "-",
        "failed": "\n".join(_pattern(p) for p in bundle.failed_patterns) or "-",
        "lessons": "\n".join(f"- {inert(lesson)}" for lesson in bundle.lessons_learned) or "-",
    }
    user = re.sub(r"\{(\w+)\}", lambda match: values[match[1]], prompt.user)
    return Question(prompt.system, user, prompt.version, hypotheses, labels)


def _alert(bundle: ContextBundle) -> str:
    alert = bundle.alert
    facts = {
        "title": inert(alert.title),
        "transition": alert.transition,
        "environment": bundle.environment,
        "query": inert(bundle.monitor.query if bundle.monitor else alert.query),
        "thresholds": json.dumps(bundle.monitor.thresholds if bundle.monitor else {}),
    }
    return "\n".join(f"- {name}: <<{value}>>" for name, value in facts.items() if value)


def _state(bundle: ContextBundle, analysis: Analysis) -> str:
    subject = bundle.k8s_context.subject
    lines = [f"- subject: {subject.key if subject else 'not named'}"]
    lines += [f"- {e.source}: <<{inert(e.statement)}>>" for e in analysis.evidence[:_STATEMENTS]]
    lines += [
        f"- not available: {s.name} ({inert(s.reason, 80)})"
        for s in bundle.sources
        if s.state == "missing"
    ]
    return "\n".join(lines)


def _logs(excerpts: Sequence[LogExcerpt]) -> str:
    lines: list[str] = []
    left = _LOGS
    for excerpt in excerpts:
        for line in excerpt.lines[-8:]:
            text = f"{excerpt.pod or excerpt.service}: <<{inert(line)}>>"
            left -= len(text)
            if left < 0:
                return "\n".join(lines)
            lines.append(text)
    return "\n".join(lines) or "-"


def _plan(plan: ActionPlan) -> str:
    changes = "; ".join(
        f"{change.object.key} {field.path}: {json.dumps(field.before)} → {json.dumps(field.after)}"
        for change in plan.kubernetes_changes
        for field in change.fields
    )
    return f"{plan.fix_kind} — {inert(changes, 600)}"


def _similar(incident: SimilarIncident) -> str:
    result = incident.result or "open"
    return f"- {incident.failure_class}, {incident.fix_kind}: {result} (similarity {incident.similarity:.2f})"


def _pattern(pattern: Pattern) -> str:
    return f"- {pattern.fix_kind} for {pattern.failure_class} on {pattern.workload_kind}: {pattern.result}"
