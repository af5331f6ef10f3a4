"""A raw alert comes in, a bundle of evidence goes out."""

from __future__ import annotations

import structlog

from enrich.core.repeats import arrived
from enrich.core.unanswered import rounds_for, unanswered
from enrich.ports import EnrichPorts
from enrich.service.gathering import gather
from enrich.wiring import open_ports
from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from schemas import errors
from schemas.alerts import RawAlert
from schemas.context import ContextBundle

log = structlog.get_logger(__name__)
app: Stage[EnrichPorts] = Stage("enrich", ports=open_ports)


@app.handles(topics.ALERTS_RAW, writes=(topics.CONTEXT_BUNDLE,), timeout_s=180.0)
async def enrich(raw: RawAlert, ports: EnrichPorts) -> ContextBundle | None:
    """Asks every source about the alert and puts what they know into one shape; a repetition asks nobody.

    Raises errors.Unanswered, with the bundle as it is, when a source of evidence could not be asked.
    """
    state, alert = raw.alert.state, arrived(raw, ports.rules.fleet)
    if raw.alert.is_test:
        return await gather(raw, ports.sources, ports.rules, ports.deadline_s)
    if state == "resolved":
        if not await ports.alerts.recovered(alert):
            log.info("recovery.overtaken", cycle=alert.cycle)
            return None
    elif state != "unknown" and await ports.alerts.repeats(alert):
        log.debug("alert.repeated", cycle=alert.cycle)
        return None
    sources = ports.sources_for(raw)
    bundle = await gather(raw, sources, ports.rules, ports.deadline_s)
    if bundle.withheld.kind:
        await ports.alerts.recovered(alert)  # the next one repeats nothing that was acted on
    missing = unanswered(bundle.sources)
    if missing:
        raise errors.Unanswered(
            "; ".join(f"{status.name}: {status.reason}" for status in missing),
            otherwise=bundle,
            rounds=rounds_for(missing, ports.ask_again),
        )
    return bundle
