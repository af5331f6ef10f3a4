"""Gathers evidence anew for the alert of a merged fix that did not hold."""

from __future__ import annotations

import structlog

from enrich.core.retrying import asked_again, forgotten, retried
from enrich.ports import EnrichPorts
from enrich.service.gathering import gather
from schemas.context import ContextBundle
from schemas.outcomes import Outcome

log = structlog.get_logger(__name__)


async def gather_again(outcome: Outcome, ports: EnrichPorts) -> ContextBundle | None:
    """The bundle for the next attempt; ``None`` where nothing failed, or the attempt has its bundle by an earlier word."""
    if not outcome.did_not_hold:
        return None
    archive, now = ports.archive, ports.now()
    if not await archive.begin_retry(outcome.incident_id, outcome.event_id, now):
        log.info("retry.known", incident_id=outcome.incident_id)
        return None
    known = await archive.find(outcome.trace_id)
    if known is None:
        log.warning("retry.alert_not_kept", incident_id=outcome.incident_id)
        return forgotten(outcome, now)
    raw = asked_again(known, now)
    bundle = await gather(raw, ports.sources_for(raw), ports.rules, ports.deadline_s)
    return retried(bundle, known, outcome)
