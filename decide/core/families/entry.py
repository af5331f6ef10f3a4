"""One kind of failure, as code and paper know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from schemas.base import Severity
from schemas.plans import AbstentionReason

Family = Literal[
    "resources",
    "admission",
    "scheduling",
    "startup",
    "runtime",
    "services",
    "dependencies",
    "performance",
    "nodes",
    "nothing",
    "human",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureClass:
    """A kind of failure: what people read about it, and whether a manifest can mend it."""

    id: str
    family: Family
    en: str
    fr: str
    #: What is seen first, before anybody knows the cause.
    symptoms: str
    #: What decides it, as programs write it.
    evidence: str
    #: What looks like it and is not.
    confounders: str
    #: Plans in order; empty: nothing in the manifests mends it.
    plans: str
    #: Where the mechanism or the message is documented.
    source: str
    severity: Severity = "high"
    #: Why people are asked when there is no plan.
    handoff: AbstentionReason = "outside_manifests"

    def title(self, language: str = "en") -> str:
        """The class in one sentence, in the language of messages."""
        return self.fr if language == "fr" else self.en


def of(family: Family, source: str, **shared: str) -> Callable[..., FailureClass]:
    """A maker of one family's classes: what they share is said once."""
    return partial(FailureClass, family=family, source=source, **shared)  # type: ignore[arg-type]
