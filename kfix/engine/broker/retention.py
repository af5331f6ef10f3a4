"""How long records of each topic are kept. A topic without a rule fails a test (``tests/arch``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kfix.engine import topics
from kfix.infra.settings import Retention

_DAY_MS = 86_400_000

#: Why records of a topic are kept. None is compacted: its records are events, and the newest one does not stand for all.
WHY: Mapping[str, str] = MappingProxyType(
    {
        topics.ALERTS_RAW.name: "what was received, to decide it again",
        topics.CONTEXT_BUNDLE.name: "the evidence, to decide it again",
        topics.PLANS_CANDIDATE.name: "what was proposed, and why",
        topics.PLANS_VALIDATED.name: "what was proven",
        topics.MR_EVENTS.name: "the life of merge requests, for projections that are made anew",
        topics.OUTCOMES.name: "how fixes ended, for projections that are made anew",
        topics.DEAD_LETTERS.name: "word of what was given up",
    }
)


def retention_ms(name: str, retention: Retention) -> int:
    """Milliseconds that a topic (its name without prefix) keeps a record."""
    given_up = name.endswith(".dlq") or name == topics.DEAD_LETTERS.name
    days = retention.dead_letters_days if given_up else retention.topics_days
    return int(days * _DAY_MS)


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """A topic as the broker has it. ``kept_ms`` is -1 where records never go; ``compacted``: the newest of a key stays."""

    name: str
    wanted_ms: int
    kept_ms: int
    compacted: bool = False

    @property
    def longer(self) -> bool:
        """Records stay longer than the settings say, or for ever."""
        return self.compacted or self.kept_ms < 0 or self.kept_ms > self.wanted_ms

    @property
    def as_wanted(self) -> bool:
        """The broker keeps records as long as the settings say."""
        return not self.compacted and self.kept_ms == self.wanted_ms
