"""Forgets incidents on request: what they say goes from every table, and the keys by which nothing happens twice stay.

A table that is named neither in ``FORGOTTEN`` nor in ``KEPT_KEYS`` fails a test (``tests/arch``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    tuple_,
    update,
)

from kfix.infra.store.console_tables import incident_lines, incident_records, trust_facts
from kfix.infra.store.decide_tables import (
    deliveries,
    failed_attempts,
    fix_trials,
    incidents,
    opinions,
)
from kfix.infra.store.enrich_tables import kept_alerts
from kfix.infra.store.housekeeping_tables import erasures
from kfix.infra.store.learn_tables import (
    followed_merge_requests,
    incident_feedback,
    incident_outcomes,
    post_deploy_checks,
)
from kfix.infra.store.memory_tables import memory_vectors
from kfix.infra.store.publish_tables import (
    change_claims,
    merge_requests,
    notifications,
    proposals,
    reverts,
)
from schemas.base import Json, ObjectRef
from schemas.identity import attempt_of
from schemas.outcomes import Outcome

T = TypeVar("T")
#: What stands where somebody's name, or an object's, was.
ERASED = "erased"
#: Names in facts of a fix.
_NAMES = frozenset({"object_key", "monitor", "title"})
#: Ids in one statement.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class ForgottenRows:
    """What forgetting does to a table. ``blank``: values that these columns get; ``None``: the rows go.

    ``made``: a column's value made of the one before.
    """

    table: Table
    of: Callable[[Sequence[str]], ColumnElement[bool]]
    blank: Mapping[str, Any] | None = None
    made: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


def _by(column: Column[Any]) -> Callable[[Sequence[str]], ColumnElement[bool]]:
    return column.in_


def _records(ids: Sequence[str]) -> ColumnElement[bool]:
    """The incidents' records, and those of before the diagnosis that came from the same deliveries and no other incident's."""
    own, other = incident_records.c, incident_records.alias("other").c
    traces = select(other.trace_id).where(other.incident_id.in_(ids))
    others = select(other.trace_id).where(other.incident_id != "", other.incident_id.not_in(ids))
    before = and_(own.incident_id == "", own.trace_id.in_(traces), own.trace_id.not_in(others))
    return or_(own.incident_id.in_(ids), before)


def _alerts(ids: Sequence[str]) -> ColumnElement[bool]:
    joined = select(deliveries.c.delivery_id).where(deliveries.c.incident_id.in_(ids))
    told = select(incident_records.c.trace_id).where(incident_records.c.incident_id.in_(ids))
    delivery = kept_alerts.c.delivery_id
    return or_(delivery.in_(joined), delivery.in_(told))


def _answers(ids: Sequence[str]) -> ColumnElement[bool]:
    known = select(incidents.c.fingerprint).where(incidents.c.incident_id.in_(ids))
    return and_(opinions.c.incident.in_(known), opinions.c.answer.is_not(None))


def _bare(kept: Json) -> Json:
    """An outcome of which only what is counted is left: whose it was, how it ended, when."""
    outcome = Outcome.model_validate(kept)
    return Outcome(
        event_id=outcome.event_id,
        occurred_at=outcome.occurred_at,
        incident_id=outcome.incident_id,
        fingerprint=outcome.fingerprint,
        result=outcome.result,
        failure_class=outcome.failure_class,
        object=ObjectRef(kind=outcome.object.kind, name=ERASED),
        merged_at=outcome.merged_at,
        checked_at=outcome.checked_at,
        came_back_at=outcome.came_back_at,
    ).model_dump(mode="json")


def _nameless(facts: Json) -> Json:
    """What became of a fix without what it was about, save its kind and its cause."""
    if not isinstance(facts, dict) or not isinstance(facts.get("about"), list):
        return facts
    order, about = facts["about"]
    return facts | {"about": [order, about | dict.fromkeys(_NAMES & about.keys(), "")]}


FORGOTTEN: tuple[ForgottenRows, ...] = (
    # Before the records, which tell which deliveries they are of.
    ForgottenRows(kept_alerts, _alerts),
    ForgottenRows(incident_records, _records),
    ForgottenRows(incident_lines, _by(incident_lines.c.incident_id)),
    ForgottenRows(
        trust_facts,
        _by(trust_facts.c.root_id),
        {"object_key": "", "monitor": "", "title": ""},
        {"facts": _nameless},
    ),
    ForgottenRows(failed_attempts, _by(failed_attempts.c.incident_id)),
    ForgottenRows(
        fix_trials,
        _by(fix_trials.c.incident_id),
        {"object_key": ERASED, "spec": "{}", "changes_hash": "", "judged_by": ""},
    ),
    ForgottenRows(reverts, _by(reverts.c.incident_id), {"reason": ""}),
    ForgottenRows(opinions, _answers, {"answer": None}),
    ForgottenRows(proposals, _by(proposals.c.incident_id)),
    ForgottenRows(change_claims, _by(change_claims.c.incident_id)),
    ForgottenRows(merge_requests, _by(merge_requests.c.incident_id), {"title": ""}),
    ForgottenRows(notifications, _by(notifications.c.incident_id), {"reason": ""}),
    ForgottenRows(
        followed_merge_requests,
        _by(followed_merge_requests.c.incident_id),
        {"proposal": null(), "merge_request": null(), "trace_id": ""},
    ),
    # Done: an incident whose fix is still watched is left out.
    ForgottenRows(
        post_deploy_checks,
        _by(post_deploy_checks.c.incident_id),
        {"watch": null(), "verdict": null()},
    ),
    ForgottenRows(
        incident_outcomes,
        _by(incident_outcomes.c.incident_id),
        {"object_key": ERASED},
        {"outcome": _bare},
    ),
    ForgottenRows(
        incident_feedback, _by(incident_feedback.c.incident_id), {"author": ERASED, "text": ""}
    ),
    ForgottenRows(memory_vectors, _by(memory_vectors.c.id)),
)

#: Tables without words of an incident: keys, times, counts. Why each stays.
KEPT_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "incidents": "an alert that comes again must not open it a second time; hashes and times",
        "fingerprints": "the lock of a trouble; hashes",
        "alert_cycles": "a late recovery must find its incident; hashes and times",
        "deliveries": "a delivery that comes again must not count as new; ids",
        "gathered_alerts": "a repetition must not be gathered anew; hashes and times",
        "retries": "a failed attempt must not be tried again twice; ids and times",
        "fix_lifts": "of no incident: a person's word about an object",
        "merge_request_words": "a word of the forge must not be told twice; ids, actions, times",
        "alert_standings": "times",
        "heard_alerts": "an alert that comes again counts against its fix; hashes and times",
        "rereads": "a project's position; of no incident",
        "fix_outcomes": "how kinds of fix have fared; classes and results",
        "model_uses": "what models have cost; counts",
        "retention_sweeps": "of no incident",
        "erasures": "counts of what was forgotten",
    }
)


@dataclass(frozen=True, slots=True)
class ChosenIncidents:
    """Incidents, each with all its attempts. ``under_way``: their merge request is open, or a check is due."""

    ids: tuple[str, ...]
    under_way: tuple[str, ...]
    #: Addresses of their merge requests, which the forge keeps.
    urls: tuple[str, ...] = ()
    newest_at: datetime | None = None


def choose(
    connection: Connection,
    *,
    incident_ids: Iterable[str] = (),
    service: str = "",
    before: datetime | None = None,
) -> ChosenIncidents:
    """All incidents that one of these names: by id (any attempt's), by service, or with nothing newer than ``before``."""
    bases = {attempt_of(one).incident_id for one in incident_ids}
    if service:
        bases |= {attempt_of(one).incident_id for one in _of_service(connection, service)}
    if before is not None:
        bases |= _older(connection, before)
    everything = _known(connection)
    ids = sorted(one for one in everything if attempt_of(one).incident_id in bases)
    busy = {attempt_of(one).incident_id for one in _under_way(connection, ids)}
    chosen = tuple(one for one in ids if attempt_of(one).incident_id not in busy)
    urls: list[str] = []
    newest: list[datetime] = []
    for some in _portions(chosen):
        named = merge_requests.c.incident_id.in_(some)
        urls += connection.scalars(select(merge_requests.c.url).where(named))
        last = select(func.max(incident_records.c.occurred_at)).where(
            incident_records.c.incident_id.in_(some)
        )
        newest += [at for at in connection.scalars(last) if at is not None]
    under_way = tuple(one for one in ids if one not in chosen)
    return ChosenIncidents(
        chosen, under_way, tuple(sorted(filter(None, urls))), max(newest, default=None)
    )


def forget(connection: Connection, ids: Sequence[str], *, act: bool) -> dict[str, int]:
    """Rows by table that go or lose their words, in the caller's transaction; without ``act`` they are only counted."""
    counts: dict[str, int] = {}
    for erased in FORGOTTEN:
        rows = 0
        for some in _portions(ids):
            rows += (
                _forgotten(connection, erased, some) if act else _count(connection, erased, some)
            )
        counts[erased.table.name] = rows
    return counts


def audit(
    connection: Connection,
    *,
    erasure_id: str,
    at: datetime,
    who: str,
    why: str,
    kind: str,
    incidents: int,
    counts: Mapping[str, int],
) -> None:
    """Keeps who made K-Fix forget how much, never what."""
    row = {
        "erasure_id": erasure_id,
        "at": at,
        "who": who[:256],
        "why": why,
        "kind": kind,
        "incidents": incidents,
        "counts": dict(counts),
    }
    connection.execute(insert(erasures).values(**row))


def _count(connection: Connection, erased: ForgottenRows, ids: Sequence[str]) -> int:
    query = select(func.count()).select_from(erased.table).where(erased.of(ids))
    return connection.scalar(query) or 0


def _forgotten(connection: Connection, erased: ForgottenRows, ids: Sequence[str]) -> int:
    keys = tuple(erased.table.primary_key.columns)
    if erased.blank is None:
        # Which ones first: a condition that looks into the table would change while its rows go.
        chosen = [tuple(row) for row in connection.execute(select(*keys).where(erased.of(ids)))]
        for some in _portions(chosen):
            connection.execute(delete(erased.table).where(tuple_(*keys).in_(some)))
        return len(chosen)
    for name, made in erased.made.items():
        column = erased.table.c[name]
        for row in connection.execute(select(*keys, column).where(erased.of(ids))).all():
            this = and_(*(key == row[at] for at, key in enumerate(keys)))
            connection.execute(update(erased.table).where(this).values({name: made(row[-1])}))
    blanked = update(erased.table).where(erased.of(ids)).values(**erased.blank)
    return connection.execute(blanked).rowcount


def _of_service(connection: Connection, service: str) -> set[str]:
    """Incidents of which a record, or what was proposed, names the service."""
    found: set[str] = set()
    for column, said in (
        (incident_records.c.incident_id, incident_records.c.summary["service"]),
        (proposals.c.incident_id, proposals.c.record[("context", "service")]),
        (
            followed_merge_requests.c.incident_id,
            followed_merge_requests.c.proposal[("context", "service")],
        ),
    ):
        found |= set(
            connection.scalars(select(column).where(said.as_string() == service).distinct())
        )
    return found - {""}


def _older(connection: Connection, before: datetime) -> set[str]:
    """Incidents of which nothing is known that happened at ``before`` or later."""
    newest: dict[str, bool] = {}
    for column, at in (
        (incident_records.c.incident_id, incident_records.c.occurred_at),
        (incidents.c.incident_id, incidents.c.last_alert_at),
        (incident_outcomes.c.incident_id, incident_outcomes.c.occurred_at),
        (incident_feedback.c.incident_id, incident_feedback.c.occurred_at),
    ):
        recent = func.max(at) >= before
        for incident, is_recent in connection.execute(select(column, recent).group_by(column)):
            base = attempt_of(incident).incident_id
            newest[base] = newest.get(base, False) or bool(is_recent)
    return {base for base, is_recent in newest.items() if base and not is_recent}


def _known(connection: Connection) -> set[str]:
    """Every incident's, attempt's and revert's id that some table has."""
    found: set[str] = set()
    for column in (
        incident_records.c.incident_id,
        incidents.c.incident_id,
        merge_requests.c.incident_id,
        proposals.c.incident_id,
        notifications.c.incident_id,
        followed_merge_requests.c.incident_id,
        incident_outcomes.c.incident_id,
        incident_feedback.c.incident_id,
        memory_vectors.c.id,
    ):
        found |= set(connection.scalars(select(column).distinct()))
    return found - {""}


def _under_way(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    checks = post_deploy_checks.c
    for some in _portions(ids):
        opened = select(merge_requests.c.incident_id).where(
            merge_requests.c.incident_id.in_(some), merge_requests.c.state == "opened"
        )
        due = select(checks.incident_id).where(
            checks.incident_id.in_(some), checks.done_at.is_(None)
        )
        found |= {*connection.scalars(opened), *connection.scalars(due)}
    return found


def _portions(ids: Sequence[T]) -> Iterable[Sequence[T]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))
