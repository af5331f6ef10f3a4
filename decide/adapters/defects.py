"""Rules that broke, where operators see them."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from decide.core.broken import RuleDefect
from kfix.infra.telemetry import metrics

log = structlog.get_logger(__name__)


def report(broken: Iterable[RuleDefect], *, incident: str) -> None:
    """Logs each as an error and counts it."""
    for one in broken:
        log.error("defect.rule_broke", where=one.where, what=one.what, incident=incident)
        metrics.RULES_BROKEN.labels(one.where).inc()
