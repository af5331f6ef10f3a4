"""The question put to a model, and what its answer may look like. Pure.

The model sees reasons, numbers and short, delimited excerpts; it answers with identifiers that the question offered:
a hypothesis and a plan by their labels, or a proposal of its own in the closed terms of ``decide.core.proposals``.
No free string of its answer can become part of a plan.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from decide.core.broken import RuleDefect
from decide.core.history import history_of
from decide.core.proposals import ModelProposal, ProposalTarget
from kfix.texts import language_of
from schemas.context import ContextBundle, LogExcerpt
from schemas.plans import ActionPlan, Analysis

#: Characters of outside text in one excerpt, and of all log lines together.
_EXCERPT = 300
_LOGS = 4_000
#: Evidence statements shown.
_STATEMENTS = 25
#: Tokens of an answer at most; reasoning models spend most of them before they write.
MOST_TOKENS = 2_000
_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


class ModelAnswer(BaseModel):
    """What the model must answer: labels from the question, a number, and prose that only people read."""

    model_config = ConfigDict(extra="forbid")

    #: Label of a hypothesis (``H1``) or ``none``.
    hypothesis: str = Field(max_length=8)
    #: Label of a plan (``P1``) or ``none``.
    plan: str = Field(max_length=8)
    verdict: Literal["fix", "no_action", "needs_human"]
    confidence: float = Field(ge=0.0, le=1.0)
    explanation: str = Field(max_length=1200)
    #: A change of the model's own, where no plan fits.
    proposal: ModelProposal | None = None


#: What every provider's strict mode understands of a JSON schema.
_STRICT = {
    "type",
    "properties",
    "items",
    "enum",
    "anyOf",
    "$ref",
    "$defs",
    "required",
    "additionalProperties",
}


def _strict(schema: Any, *, names: bool = False) -> Any:
    """The schema as strict modes want it: every property required, bounds left to our own validation."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {
        key: _strict(value, names=key in ("properties", "$defs"))
        for key, value in schema.items()
        if names or key in _STRICT
    }
    if not names and "properties" in out:
        out["required"] = list(out["properties"])
    return out


#: ``ModelAnswer`` as it is asked for.
WIRE_SCHEMA: dict[str, Any] = _strict(ModelAnswer.model_json_schema())


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A rendered prompt. ``key`` identifies its content, for the cache; ``incident`` whose budget it is asked on."""

    system: str
    user: str
    prompt_version: str
    hypotheses: tuple[str, ...]
    plans: tuple[str, ...]
    targets: tuple[ProposalTarget, ...] = ()
    incident: str = ""
    #: What ``plans`` are the labels of.
    offered: tuple[ActionPlan, ...] = ()
    #: What is said after a malformed answer.
    repair: str = ""
    #: Builders of plans that broke while it was made.
    broken: tuple[RuleDefect, ...] = ()

    @property
    def key(self) -> str:
        """SHA-256 (hex) of prompt version, system and user text: equal questions have one answer."""
        return hashlib.sha256(
            f"{self.prompt_version}\0{self.system}\0{self.user}".encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Opinion:
    """The model's answer, or why there is none (``failure``: a stable word)."""

    provider: str = ""
    model: str = ""
    answer: ModelAnswer | None = None
    failure: str = ""
    elapsed_ms: float = 0.0
    #: Calls that were made for it, and what those cost in tokens: none for an answer that was kept.
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A versioned prompt file: ``system``, ``user`` with ``{placeholders}``, and what follows a malformed answer."""

    version: str
    system: str
    user: str
    repair: str


def parse_prompt(text: str, version: str) -> Prompt:
    """Reads a prompt file: sections ``## system``, ``## user``, ``## repair``. Raises ValueError when one is missing."""
    sections = re.split(r"^## (system|user|repair)\s*$", text, flags=re.M)
    found = dict(zip(sections[1::2], (part.strip() for part in sections[2::2]), strict=True))
    if set(found) != {"system", "user", "repair"}:
        raise ValueError(f"prompt {version} needs the sections system, user and repair")
    return Prompt(version, found["system"], found["user"], found["repair"])


def inert(text: str, limit: int = _EXCERPT) -> str:
    """Outside text for a prompt: no control, format or private-use characters, our delimiters broken, capped."""
    clean = "".join(
        " " if unicodedata.category(character) in _FORBIDDEN else character for character in text
    )
    clean = re.sub(r"\s+", " ", clean).replace("<<", "‹").replace(">>", "›").strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def ask(
    prompt: Prompt,
    bundle: ContextBundle,
    analysis: Analysis,
    plans: Sequence[ActionPlan],
    *,
    targets: Sequence[ProposalTarget] = (),
    incident: str = "",
    language: str = "en",
) -> Question:
    """Renders the question about a diagnosis, its candidate plans and what else could be changed.

    ``language``: the prompt's, in which the history is told.
    """
    history = history_of(bundle, language_of(language), inert)
    hypotheses = tuple(f"H{n}" for n in range(1, len(analysis.hypotheses) + 1))
    labels = tuple(f"P{n}" for n in range(1, len(plans) + 1))
    values = {
        "alert": _alert(bundle),
        "state": _state(bundle, analysis),
        "logs": _logs(bundle.logs),
        "hypotheses": "\n".join(
            f"{label}: {h.failure_class} — {inert(h.object.key)} — {inert(h.root_cause)} ({h.confidence:.2f})"
            for label, h in zip(hypotheses, analysis.hypotheses, strict=True)
        ),
        "plans": "\n".join(
            f"{label}: {_plan(plan)}" for label, plan in zip(labels, plans, strict=True)
        )
        or "-",
        "targets": "\n".join(
            f"{t.label}: {inert(t.ref.key)}"
            + (f" container {inert(t.container, 63)}" if t.container else "")
            for t in targets
        )
        or "-",
        "examples": history.examples,
        "similar": history.similar,
        "worked": history.worked,
        "failed": history.failed,
        "lessons": history.lessons,
    }
    user = re.sub(r"\{(\w+)\}", lambda match: values[match[1]], prompt.user)
    return Question(
        prompt.system,
        user,
        prompt.version,
        hypotheses,
        labels,
        tuple(targets),
        incident,
        tuple(plans),
        prompt.repair,
    )


def _alert(bundle: ContextBundle) -> str:
    alert = bundle.alert
    facts = {
        "title": inert(alert.title),
        "state": alert.state,
        "environment": bundle.environment,
        "query": inert(bundle.monitor.query if bundle.monitor else alert.rule.query),
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
