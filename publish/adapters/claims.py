"""Claims on objects in the relational store: the table's primary key is what two replicas cannot both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from kfix.infra.store.publish_tables import change_claims, merge_requests
from kfix.infra.store.transactions import insert_missing
from publish.core.claims import Claim
from schemas.merge_requests import MergeRequestRef


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Objects that an incident wants to change."""

    incident_id: str
    targets: tuple[str, ...]
    changes_hash: str
    at: datetime
    stale_before: datetime


def claim(connection: Connection, wish: ClaimRequest) -> Claim | None:
    """Takes all or none, in the caller's transaction; the first claim in the way.

    Objects are taken in one order, so that two that want the same ones wait for each other and do not deadlock.
    """
    fresh = [target for target in sorted(wish.targets) if _insert(connection, wish, target)]
    rows = connection.execute(
        select(change_claims)
        .where(change_claims.c.target.in_(wish.targets))
        .order_by(change_claims.c.target)
        .with_for_update()
    ).all()
    for row in rows:
        if row.incident_id != wish.incident_id:
            held = _holds(connection, row, wish.stale_before)
            if held is not None:
                _drop(connection, wish.incident_id, fresh)
                return held
    mine = {"changes_hash": wish.changes_hash, "incident_id": wish.incident_id}
    others = change_claims.c.incident_id != wish.incident_id
    here = change_claims.c.target.in_(wish.targets)
    connection.execute(update(change_claims).where(here, others).values(**mine, claimed_at=wish.at))
    connection.execute(update(change_claims).where(here).values(**mine))
    connection.execute(
        delete(change_claims).where(
            change_claims.c.incident_id == wish.incident_id,
            change_claims.c.target.not_in(wish.targets),
        )
    )
    return None


def release(connection: Connection, incident_id: str) -> None:
    """Gives up all that an incident holds."""
    connection.execute(delete(change_claims).where(change_claims.c.incident_id == incident_id))


def _insert(connection: Connection, wish: ClaimRequest, target: str) -> bool:
    row = {
        "target": target,
        "incident_id": wish.incident_id,
        "changes_hash": wish.changes_hash,
        "claimed_at": wish.at,
    }
    return insert_missing(connection, change_claims, row)


def _holds(connection: Connection, row: Row[Any], stale_before: datetime) -> Claim | None:
    """The claim behind a row, when it still counts."""
    found = connection.execute(
        select(merge_requests).where(merge_requests.c.incident_id == row.incident_id)
    ).one_or_none()
    if found is None:
        claimed_at = row.claimed_at
        aware = claimed_at.replace(tzinfo=UTC) if claimed_at.tzinfo is None else claimed_at
        ref = None
        counts = aware >= stale_before
    else:
        ref = _ref(found)
        counts = found.state == "opened"
    return Claim(row.target, row.incident_id, row.changes_hash, ref) if counts else None


def _ref(row: Row[Any]) -> MergeRequestRef:
    known = row._mapping
    return MergeRequestRef.model_validate(
        {name: known[name] for name in MergeRequestRef.model_fields if name in known}
    )


def _drop(connection: Connection, incident_id: str, fresh: Sequence[str]) -> None:
    connection.execute(
        delete(change_claims).where(
            change_claims.c.incident_id == incident_id, change_claims.c.target.in_(fresh)
        )
    )
