"""A raw alert comes in, a bundle of evidence goes out; a fix that did not hold asks for its alert's evidence once more."""

from __future__ import annotations

import structlog

from enrich.core.repeats import arrived
from enrich.core.retrying import kept
from enrich.core.unanswered import rounds_for, unanswered
from enrich.ports import EnrichPorts
from enrich.service.gathering import gather
from enrich.service.retrying import gather_again
from enrich.wiring import open_ports
from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from schemas import errors
from schemas.alerts import RawAlert
from schemas.context import ContextBundle
from schemas.outcomes import Outcome

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
    remembered = kept(bundle)
    if remembered is not None:
        await ports.archive.keep(remembered, ports.now())
    return _answered(bundle, ports)


@app.handles(topics.OUTCOMES, writes=(topics.CONTEXT_BUNDLE,), timeout_s=180.0)
async def look_again(outcome: Outcome, ports: EnrichPorts) -> ContextBundle | None:
    """Gathers evidence anew where a merged fix did not hold, for the incident's next attempt.

    Raises errors.Unanswered, with the bundle as it is, when a source of evidence could not be asked.
    """
    bundle = await gather_again(outcome, ports)
    return bundle and _answered(bundle, ports)


def _answered(bundle: ContextBundle, ports: EnrichPorts) -> ContextBundle:
    """The bundle. Raises errors.Unanswered when a source of evidence could not be asked."""
    missing = unanswered(bundle.sources)
    if missing:
        raise errors.Unanswered(
            "; ".join(f"{status.name}: {status.reason}" for status in missing),
            otherwise=bundle,
            rounds=rounds_for(missing, ports.ask_again),
        )
    return bundle
