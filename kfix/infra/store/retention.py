"""How long rows of each table are kept, and why. A table without a rule fails a test (``tests/arch``).

A row that makes an effect happen once goes only when no record can ask for the effect again: after
``Retention.ledger_days``, and never while its merge request is open or its check is due. Each rule stands for itself, so
they may be swept in any order and cut off anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, or_, select

from kfix.infra.settings import Retention
from kfix.infra.store.console_tables import (
    incident_lines,
    incident_records,
    model_uses,
    trust_facts,
)
from kfix.infra.store.decide_tables import (
    alert_cycles,
    deliveries,
    failed_attempts,
    fingerprints,
    fix_lifts,
    fix_trials,
    incidents,
    opinions,
)
from kfix.infra.store.enrich_tables import gathered_alerts, kept_alerts, retries
from kfix.infra.store.housekeeping_tables import erasures, retention_sweeps
from kfix.infra.store.learn_tables import (
    followed_merge_requests,
    heard_alerts,
    incident_feedback,
    incident_outcomes,
    post_deploy_checks,
)
from kfix.infra.store.memory_tables import memory_vectors
from kfix.infra.store.publish_tables import (
    alert_standings,
    change_claims,
    fix_outcomes,
    merge_request_words,
    merge_requests,
    notifications,
    proposals,
    rereads,
    reverts,
)

#: Which rows of a table may go, given the time before which they are old.
Due = Callable[[datetime], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long a table's rows stay: ``days`` is a field of ``Retention``, ``due`` says which rows are old."""

    table: Table
    days: str
    due: Due
    why: str

    def before(self, retention: Retention, now: datetime) -> datetime:
        """The time before which rows are old."""
        kept = {
            "records_days": retention.records_days,
            "ledger_days": retention.ledger_days,
            "outcomes_days": retention.outcomes_days,
            "memory_days": retention.memory_days,
            "opinions_days": retention.opinions_days,
            "audit_days": retention.audit_days,
        }
        return now - timedelta(days=kept[self.days])


def _record_due(before: datetime) -> ColumnElement[bool]:
    """An incident's records go together, once its newest is old; one of before the diagnosis goes with its delivery's."""
    newer = incident_records.alias("newer")
    own, of = incident_records.c, newer.c
    by_incident = exists().where(of.incident_id == own.incident_id, of.occurred_at >= before)
    by_delivery = exists().where(of.trace_id == own.trace_id, of.occurred_at >= before)
    return and_(
        own.occurred_at < before,
        or_(
            and_(own.incident_id != "", ~by_incident),
            and_(own.incident_id == "", ~by_delivery),
        ),
    )


def _line_due(before: datetime) -> ColumnElement[bool]:
    own = incident_lines.c
    told = exists().where(incident_records.c.incident_id == own.incident_id)
    return and_(own.last_at < before, ~told)


def _old_incidents(before: datetime) -> Select[Any]:
    return select(incidents.c.incident_id).where(incidents.c.last_alert_at < before)


def _of_gone_incident(column: ColumnElement[Any], before: datetime) -> ColumnElement[bool]:
    there = exists().where(incidents.c.incident_id == column)
    return or_(column.in_(_old_incidents(before)), ~there)


def _incident_due(before: datetime) -> ColumnElement[bool]:
    own = incidents.c
    asked = exists().where(deliveries.c.incident_id == own.incident_id)
    episodes = exists().where(alert_cycles.c.incident_id == own.incident_id)
    return and_(own.last_alert_at < before, ~asked, ~episodes)


def _cycle_due(before: datetime) -> ColumnElement[bool]:
    own = alert_cycles.c
    last = func.coalesce(own.alerted_at, own.recovered_at)
    return and_(
        last < before,
        or_(own.recovered_at.is_(None), own.recovered_at < before),
        or_(own.incident_id.is_(None), _of_gone_incident(own.incident_id, before)),
    )


def _merge_request_due(before: datetime) -> ColumnElement[bool]:
    own = merge_requests.c
    return and_(own.state != "opened", func.coalesce(own.closed_at, own.opened_at) < before)


def _without_merge_request(
    column: ColumnElement[Any], before: datetime, *, open_only: bool = False
) -> ColumnElement[bool]:
    """No merge request of the incident is kept; ``open_only``: none is open."""
    there = merge_requests.c.incident_id == column
    kept = merge_requests.c.state == "opened" if open_only else ~_merge_request_due(before)
    return ~exists().where(there, kept)


def _proposal_due(before: datetime) -> ColumnElement[bool]:
    own = proposals.c
    #: ISO 8601 in UTC, to the second: compares as text.
    said = func.substr(own.record["occurred_at"].as_string(), 1, 19)
    ended = exists().where(
        merge_requests.c.incident_id == own.incident_id, _merge_request_due(before)
    )
    there = exists().where(merge_requests.c.incident_id == own.incident_id)
    return or_(ended, and_(~there, said < before.strftime("%Y-%m-%dT%H:%M:%S")))


def _standing_due(before: datetime) -> ColumnElement[bool]:
    own = alert_standings.c
    return and_(
        func.coalesce(own.alerted_at, own.recovered_at) < before,
        func.coalesce(own.recovered_at, own.alerted_at) < before,
        _without_merge_request(own.incident_id, before),
    )


def _followed_due(before: datetime) -> ColumnElement[bool]:
    own = followed_merge_requests.c
    watched = exists().where(
        post_deploy_checks.c.incident_id == own.incident_id, post_deploy_checks.c.done_at.is_(None)
    )
    judged = exists().where(incident_outcomes.c.incident_id == own.incident_id)
    ended = and_(own.state != "open", own.changed_at < before)
    given_up = and_(own.state == "open", own.opened_at < before, judged)
    return and_(or_(ended, given_up), ~watched)


def _reread_due(before: datetime) -> ColumnElement[bool]:
    own = rereads.c
    used = exists().where(merge_requests.c.project == own.project)
    return and_(func.coalesce(own.read_at, own.began_at) < before, ~used)


RULES: tuple[RetentionRule, ...] = (
    RetentionRule(incident_records, "records_days", _record_due, "what people read of an incident"),
    RetentionRule(incident_lines, "records_days", _line_due, "the list of incidents"),
    RetentionRule(
        trust_facts,
        "outcomes_days",
        lambda before: trust_facts.c.began_at < before,
        "how fixes have fared, counted",
    ),
    RetentionRule(
        model_uses,
        "outcomes_days",
        lambda before: model_uses.c.asked_at < before,
        "what models have cost, counted",
    ),
    RetentionRule(
        deliveries,
        "ledger_days",
        lambda before: _of_gone_incident(deliveries.c.incident_id, before),
        "a delivery that comes again joins the incident that it joined",
    ),
    RetentionRule(
        alert_cycles, "ledger_days", _cycle_due, "an episode's recovery finds its incident"
    ),
    RetentionRule(
        fingerprints,
        "ledger_days",
        lambda before: or_(
            fingerprints.c.incident_id.is_(None),
            _of_gone_incident(fingerprints.c.incident_id, before),
        ),
        "the lock under which a trouble's incidents are opened one at a time",
    ),
    RetentionRule(
        incidents,
        "ledger_days",
        _incident_due,
        "one trouble is one incident, one incident one merge request",
    ),
    RetentionRule(
        opinions,
        "opinions_days",
        lambda before: opinions.c.asked_at < before,
        "answers that are used again, and the budget of a day",
    ),
    RetentionRule(
        failed_attempts,
        "ledger_days",
        lambda before: _of_gone_incident(failed_attempts.c.root, before),
        "a later attempt does not propose what failed",
    ),
    RetentionRule(
        fix_trials,
        "outcomes_days",
        lambda before: func.coalesce(fix_trials.c.ended_at, fix_trials.c.proposed_at) < before,
        "how fixes were foreseen to end, and ended",
    ),
    RetentionRule(
        fix_lifts,
        "outcomes_days",
        lambda before: fix_lifts.c.lifted_at < before,
        "a kind of fix that a person allowed again",
    ),
    RetentionRule(
        gathered_alerts,
        "ledger_days",
        lambda before: gathered_alerts.c.at < before,
        "an alert's repetitions end before anything is asked",
    ),
    RetentionRule(
        kept_alerts,
        "records_days",
        lambda before: kept_alerts.c.kept_at < before,
        "an alert whose fix may not hold",
    ),
    RetentionRule(
        retries,
        "ledger_days",
        lambda before: retries.c.at < before,
        "an attempt that failed is tried again once",
    ),
    RetentionRule(
        reverts,
        "ledger_days",
        lambda before: and_(
            reverts.c.at < before, _without_merge_request(reverts.c.incident_id, before)
        ),
        "a change is taken back once",
    ),
    RetentionRule(
        proposals, "records_days", _proposal_due, "what comments on a merge request ask about"
    ),
    RetentionRule(
        merge_request_words,
        "ledger_days",
        lambda before: and_(
            merge_request_words.c.at < before,
            _without_merge_request(merge_request_words.c.incident_id, before),
        ),
        "each word of the forge is told once",
    ),
    RetentionRule(
        alert_standings,
        "ledger_days",
        _standing_due,
        "a merge request says once that its alert is over",
    ),
    RetentionRule(
        change_claims,
        "ledger_days",
        lambda before: and_(
            change_claims.c.claimed_at < before,
            _without_merge_request(change_claims.c.incident_id, before, open_only=True),
        ),
        "one incident at a time changes an object",
    ),
    RetentionRule(
        notifications,
        "ledger_days",
        lambda before: and_(
            notifications.c.at < before,
            _without_merge_request(notifications.c.incident_id, before, open_only=True),
        ),
        "a message goes out once",
    ),
    RetentionRule(
        merge_requests, "ledger_days", _merge_request_due, "an incident has one merge request, ever"
    ),
    RetentionRule(
        rereads, "ledger_days", _reread_due, "how far a project's merge requests were read again"
    ),
    RetentionRule(
        fix_outcomes,
        "outcomes_days",
        lambda before: fix_outcomes.c.occurred_at < before,
        "how kinds of fix have fared",
    ),
    RetentionRule(
        followed_merge_requests, "ledger_days", _followed_due, "a merge request ends once"
    ),
    RetentionRule(
        post_deploy_checks,
        "ledger_days",
        lambda before: post_deploy_checks.c.done_at < before,
        "a merge is judged once",
    ),
    RetentionRule(
        heard_alerts,
        "ledger_days",
        lambda before: heard_alerts.c.alerted_at < before,
        "an alert that comes again within a day counts against the fix",
    ),
    RetentionRule(
        incident_outcomes,
        "outcomes_days",
        lambda before: incident_outcomes.c.occurred_at < before,
        "what a fix is judged by later",
    ),
    RetentionRule(
        incident_feedback,
        "outcomes_days",
        lambda before: incident_feedback.c.occurred_at < before,
        "what people said of a fix, which its outcome counts",
    ),
    RetentionRule(
        memory_vectors,
        "memory_days",
        # Nanoseconds since 1970, of the last write.
        lambda before: memory_vectors.c.version < int(before.timestamp()) * 1_000_000_000,
        "earlier incidents that are near",
    ),
    RetentionRule(
        erasures, "audit_days", lambda before: erasures.c.at < before, "who made K-Fix forget what"
    ),
    RetentionRule(
        retention_sweeps,
        "ledger_days",
        lambda before: retention_sweeps.c.ended_at < before,
        "one replica sweeps at a time",
    ),
)
