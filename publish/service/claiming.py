"""An object is changed by one open merge request at a time, whatever replica opens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kfix.incident.forge.port import Forge
from publish.core.claims import Claim
from publish.core.spoken import seen_word
from publish.ports import PublishPorts
from schemas import errors

#: How long a claim counts without a merge request. A record that is put back in line comes for the last time half an hour
#: after its first try; by then a claim whose holder died is free.
_OPENING_TAKES = timedelta(minutes=20)


async def take(
    incident_id: str, objects: Sequence[str], changes_hash: str, ports: PublishPorts, forge: Forge
) -> Claim | None:
    """Claims the objects, as ``core.claims`` names them, for the incident's change.

    Returns the claim in the way, when another open merge request has one. Raises errors.Moved while the other one is only being opened.
    """
    now = ports.now()

    async def ask() -> Claim | None:
        return await ports.ledger.claim(
            incident_id,
            objects,
            changes_hash,
            at=now,
            stale_before=now - _OPENING_TAKES,
        )

    held = await ask()
    if held is not None and held.ref is not None:
        found = await forge.find(held.ref.project, held.ref.branch)
        if found is not None and found.state != "opened":
            # People decided, and their webhook got lost.
            word = seen_word(held.incident_id, found.state, found.ended_at or now)
            await ports.ledger.heard(word)
            held = await ask()
    if held is not None and held.ref is None:
        raise errors.Moved(f"{held.incident_id} is about to change {held.target}")
    return held


def named(claim: Claim) -> str:
    """The other incident and its merge request, for people."""
    return " ".join(
        part for part in (claim.incident_id, claim.ref.url if claim.ref else "") if part
    )
