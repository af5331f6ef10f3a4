"""The topics: name, model, key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from schemas.alerts import RawAlert
from schemas.base import Record
from schemas.context import ContextBundle
from schemas.dead_letters import DeadLetter
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Topic(Generic[R]):
    """A topic and its record type. ``key`` gives the partition key: records with one key stay in order."""

    name: str
    model: type[R]
    key: Callable[[R], str]

    @property
    def retry(self) -> str:
        """Where records wait for a later attempt."""
        return f"{self.name}.retry"

    @property
    def dlq(self) -> str:
        """Dead letters: the original bytes and why."""
        return f"{self.name}.dlq"


def _alert_key(record: RawAlert) -> str:
    alert = record.alert
    return alert.rule.group or alert.fingerprint or alert.rule.id or record.event_id


def _subject_key(record: ContextBundle) -> str:
    subject = record.k8s_context.subject
    if subject is None:
        return record.cycle
    return stable_id("sub", record.k8s_context.cluster, subject.key)


ALERTS_RAW = Topic("alerts.raw", RawAlert, _alert_key)
CONTEXT_BUNDLE = Topic("context.bundle", ContextBundle, _subject_key)
PLANS_CANDIDATE = Topic("plans.candidate", CandidatePlans, lambda r: r.fingerprint)
PLANS_VALIDATED = Topic("plans.validated", ValidatedPlans, lambda r: r.fingerprint)
MR_EVENTS = Topic("mr.events", MergeRequestEvent, lambda r: r.incident_id)
OUTCOMES = Topic("outcomes", Outcome, lambda r: r.incident_id)
DEAD_LETTERS = Topic("dead.letters", DeadLetter, lambda r: r.rule_id or r.event_id)

ALL: tuple[Topic[Any], ...] = (
    ALERTS_RAW,
    CONTEXT_BUNDLE,
    PLANS_CANDIDATE,
    PLANS_VALIDATED,
    MR_EVENTS,
    OUTCOMES,
    DEAD_LETTERS,
)
BY_NAME: Mapping[str, Topic[Any]] = MappingProxyType({topic.name: topic for topic in ALL})
BY_MODEL: Mapping[type[Record], Topic[Any]] = MappingProxyType(
    {topic.model: topic for topic in ALL}
)


def is_told(topic: Topic[Any]) -> bool:
    """Whether people are told of the topic's dead letters: all of the house, but of those that tell it."""
    return BY_NAME.get(topic.name) is topic and topic is not DEAD_LETTERS
