"""How many incidents are in each state, for ``/metrics``."""

from __future__ import annotations

import structlog
from prometheus_client import Gauge

from console.ports import Projection
from kfix.incident.fix_life import NEXT
from schemas import errors

log = structlog.get_logger(__name__)
INCIDENTS_BY_STATE = Gauge(
    "kfix_incidents_by_state", "Incidents by where their newest attempt stands", ["state"]
)


async def measure_states(projection: Projection) -> None:
    """Counts; without an answer of the store there is no figure rather than an old one."""
    try:
        found = await projection.by_state()
    except errors.Retryable as failure:
        INCIDENTS_BY_STATE.clear()
        log.warning("states.unknown", reason=failure.reason)
        return
    for state in NEXT:
        INCIDENTS_BY_STATE.labels(state).set(found.get(state, 0))
