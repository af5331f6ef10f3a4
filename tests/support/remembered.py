"""One incident as all stages keep it, each by its own adapter, with a word of one's own in every text from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, String, Table, cast, insert, select

from console.adapters.sql import SqlProjection
from decide.adapters.ledger import SqlIncidentLedger
from kfix.engine import topics
from kfix.infra.memory.opening import OpenedMemory
from kfix.infra.store.decide_tables import (
    failed_attempts,
    fix_lifts,
    fix_trials,
    incidents,
    opinions,
)
from kfix.infra.store.enrich_tables import kept_alerts
from kfix.infra.store.publish_tables import reverts
from kfix.infra.store.tables import metadata
from learn.adapters.sql import SqlLearnLedger
from learn.ports import Followed
from publish.adapters.sql import SqlPublishLedger
from publish.core.decision import TrackedMergeRequest
from publish.core.history import Fix
from publish.core.spoken import Word
from publish.ports import PublishedProposal
from schemas.base import Record
from schemas.merge_requests import (
    Feedback,
    MergeRequestEvent,
    MergeRequestRef,
    Notification,
    Proposal,
)
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlans
from tests.support import console_samples

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = "grace.hopper"
WORDS = "the cache of grace was never warm after a deploy, so it starves"


def named(incident_id: str, mark: str) -> list[Record]:
    """The records of an incident of that id, every text of outside marked."""
    trace = f"trace-{incident_id}"
    made = []
    for record in console_samples.full(lambda text: f"{text} {mark}"):
        fields = {"trace_id": trace, "event_id": f"{record.event_id}-{incident_id}"}
        if hasattr(record, "incident_id"):
            fields["incident_id"] = incident_id
        made.append(record.model_copy(update=fields))
    made.append(
        MergeRequestEvent(
            event_id=f"note-{incident_id}",
            trace_id=trace,
            occurred_at=NOW,
            incident_id=incident_id,
            action="feedback",
            actor=PERSON,
            text=WORDS,
            feedback=Feedback(author=PERSON, verdict="bad", text=WORDS),
        )
    )
    return made


async def keep(
    engine: Engine, memory: OpenedMemory, delivery: str, *, mark: str, state: str = "merged"
) -> str:
    """Every stage keeps its part; the incident's id."""
    ledger = SqlIncidentLedger(engine)
    joined = await ledger.join(
        fingerprint=f"fp-{delivery}", cycle=f"cy-{delivery}", delivery_id=delivery, at=NOW
    )
    incident = joined.incident_id
    records = named(incident, mark)
    for record in records:
        await SqlProjection(engine).keep(topics.BY_MODEL[type(record)].name, record)
    validated = next(r for r in records if isinstance(r, ValidatedPlans))
    await _publish(engine, incident, validated, mark, state)
    await _learn(engine, memory, incident, records, mark)
    with engine.begin() as connection:
        _rows(connection, incident, delivery, mark)
    return incident


def _rows(connection: Connection, incident: str, delivery: str, mark: str) -> None:
    """What a model said, the alert that is kept, and what became of a fix that did not hold."""
    own = select(incidents.c.fingerprint).where(incidents.c.incident_id == incident)
    trial = {
        "incident_id": incident,
        "plan_id": "plan",
        "failure_class": "oom",
        "workload_kind": "Deployment",
        "fix_kind": "set_memory",
        "cluster": "c",
        "environment": "production",
        "object_key": f"Deployment/shop/{mark}",
        "changes_hash": "h",
        "spec": json.dumps({mark: "digest"}),
        "ended_at": NOW,
        "result": "failure",
        "event_id": f"ev-{incident}",
        "judged_by": PERSON,
        "doubted": False,
    }
    answer = json.dumps({"summary": f"because of {mark}"})
    for table, values in (
        (
            opinions,
            {
                "call_id": f"call-{incident}",
                "question": "q",
                "model": "m",
                "incident": connection.scalar(own),
                "asked_at": NOW,
                "tokens": 7,
                "answer": answer,
            },
        ),
        (
            kept_alerts,
            {
                "delivery_id": delivery,
                "cycle": "cy",
                "trouble": "tr",
                "alerted_at": NOW,
                "alert": {"title": mark},
                "kept_at": NOW,
            },
        ),
        (failed_attempts, {"incident_id": incident, "root": incident, "attempt": {"why": mark}}),
        (fix_trials, trial),
        (
            fix_lifts,
            {
                "lift_id": incident,
                "cluster": "c",
                "object_key": "Deployment/shop/cart",
                "fix_kind": "set_memory",
                "lifted_at": NOW,
                "lifted_by": PERSON,
                "reason": WORDS,
            },
        ),
        (reverts, {"incident_id": incident, "why": "", "reason": f"{mark} fails", "at": NOW}),
    ):
        connection.execute(insert(table).values(**_whole(table, values)))


def _whole(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with what is empty for columns that must say something."""
    empty = {
        column.name: column.type.python_type()
        for column in table.columns
        if not column.nullable and column.name not in values
    }
    return {**empty, **values}


async def _publish(
    engine: Engine, incident: str, record: ValidatedPlans, mark: str, state: str
) -> None:
    ledger = SqlPublishLedger(engine)
    plan = record.plans[0].plan
    tracked = TrackedMergeRequest(incident, f"fp-{incident}", "shop/deployments", 7, "opened", NOW)
    url = "https://gitlab.example.com/shop/deployments/-/merge_requests/7"
    ref = MergeRequestRef(project="shop/deployments", iid=7, url=url, title=f"Raise {mark}")
    await ledger.claim(
        incident, [f"c Deployment/shop/{mark}-{incident}"], "h", at=NOW, stale_before=NOW
    )
    await ledger.opened(tracked, ref)
    await ledger.keep_proposal(incident, PublishedProposal(record, plan.plan_id))
    told = Notification(channel="slack", sent=False, reason=f"channel {mark} is gone")
    await ledger.keep_told(incident, "proposed", told)
    await ledger.alert(incident, NOW, over=True)
    if state != "opened":
        await ledger.heard(Word(f"w-{incident}", incident, "merged", NOW, told=True))
    fix = Fix(
        record.analysis.failure_class if record.analysis else "",
        "Deployment",
        plan.fix_kind,
        "failure",
        NOW,
    )
    await ledger.ended(incident, plan.plan_id, fix)


async def _learn(
    engine: Engine, memory: OpenedMemory, incident: str, records: list[Record], mark: str
) -> None:
    ledger = SqlLearnLedger(engine)
    validated = next(r for r in records if isinstance(r, ValidatedPlans))
    assert validated.analysis is not None
    plan = validated.plans[0].plan
    proposal = Proposal(context=validated.context, analysis=validated.analysis, plan=plan)
    trace = f"trace-{incident}"
    await ledger.opened(Followed(incident, "fp", trace, "open", NOW, None, proposal))
    await ledger.moved(incident, "merged", NOW, None)
    await ledger.schedule(incident, merged_at=NOW)
    said = Feedback(author=PERSON, verdict="bad", text=WORDS)
    await ledger.add_feedback(f"fb-{incident}", incident, said, NOW)
    outcome = next(r for r in records if isinstance(r, Outcome))
    lesson = f"It did not hold: {WORDS[:50]}…"
    outcome = outcome.model_copy(
        update={"feedback": (said,), "lesson": lesson, "checked_at": NOW, "occurred_at": NOW}
    )
    await ledger.keep(outcome)
    words = {"lesson": lesson, "title": f"cart {mark}", "result": "failure"}
    await memory.remember(incident, f"state OOMKilled of {mark}", {**words, "at": NOW.isoformat()})


def dumped(engine: Engine) -> str:
    """Every value of every table as text."""
    found = []
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            columns = [cast(column, String) for column in table.columns if column.name != "vector"]
            for row in connection.execute(select(*columns)):
                found.append(f"{table.name}: " + " | ".join(map(str, row)))
    return "\n".join(found)


def rows(engine: Engine) -> dict[str, int]:
    """How many rows each table has."""
    with engine.connect() as connection:
        return {t.name: len(connection.execute(select(t)).all()) for t in metadata.sorted_tables}


def after(days: float) -> datetime:
    """A time after ``NOW``."""
    return NOW + timedelta(days=days)
