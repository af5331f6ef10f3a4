"""A raw alert comes in, a bundle of evidence goes out."""

from __future__ import annotations

from enrich.gathering import gather
from enrich.wiring import Ports, open_ports
from kfix import topics
from kfix.runtime.stage import Stage
from schemas.alerts import RawAlert
from schemas.context import ContextBundle

app: Stage[Ports] = Stage("enrich", ports=open_ports)


@app.handles(topics.ALERTS_RAW, writes=(topics.CONTEXT_BUNDLE,), timeout_s=180.0)
async def enrich(raw: RawAlert, ports: Ports) -> ContextBundle:
    """Asks every source about the alert and puts what they know into one shape."""
    return await gather(raw, ports.sources, ports.rules, ports.deadline_s)
