"""Figures of trust, counted anew at most so often, and the same as Prometheus metrics."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from prometheus_client import Gauge

from console.core.trust_output import range_of
from console.ports import ConsolePorts
from kfix.incident.trust.figures import ModelPrice, Times, TrustFigures
from kfix.incident.trust.intervals import Rate
from schemas import errors

#: What the metrics tell of.
_METRICS_RANGE = "30d"
#: Series that names from outside make at most; the rest is ``other``.
_LABELS = 60
#: Ranges that are kept at a time.
_KEPT = 8

INCIDENTS = Gauge("kfix_trust_incidents", "Incidents of the last 30 days")
FIXES = Gauge(
    "kfix_trust_fixes",
    "Merge requests for incidents of the last 30 days, by what became of them",
    ["failure_class", "state"],
)
RATIO = Gauge(
    "kfix_trust_ratio",
    "Rates of the last 30 days over all classes; low and high bound the 95 % interval; NaN where there is nothing to count",
    ["rate", "bound"],
)
SECONDS = Gauge(
    "kfix_trust_seconds",
    "Time from the alert to the event, of incidents of the last 30 days; NaN where there was none",
    ["event", "quantile"],
)
NOT_PROPOSED = Gauge(
    "kfix_trust_not_proposed",
    "Incidents of the last 30 days without a merge request, by why",
    ["status", "reason"],
)
TOKENS = Gauge(
    "kfix_trust_model_tokens", "Tokens of the last 30 days' calls", ["model", "direction"]
)
COST = Gauge(
    "kfix_trust_model_cost",
    "Cost of the last 30 days' calls in the configured currency; absent for a model without a price",
    ["model", "currency"],
)
_LABELLED = (FIXES, RATIO, SECONDS, NOT_PROPOSED, TOKENS, COST)


class RecentTrust:
    """Figures by time range. One count at a time: a store that is slow is not asked twice for the same."""

    def __init__(self, ports: ConsolePorts) -> None:
        self._ports = ports
        self._kept: dict[str, tuple[datetime, TrustFigures]] = {}
        self._counting = asyncio.Lock()

    async def figures(self, range_text: str) -> TrustFigures:
        """Of ``30d`` and the like, or ``all``. Raises ValueError for another word, errors.Unavailable."""
        span, settings = range_of(range_text), self._ports.settings
        async with self._counting:
            now = self._ports.now()
            at, found = self._kept.get(range_text, (None, None))
            if (
                at is not None
                and found is not None
                and now - at < timedelta(seconds=settings.trust_cache_s)
            ):
                return found
            prices = {model: ModelPrice(*price) for model, price in settings.model_prices.items()}
            found = await self._ports.projection.trust(
                prices, since=None if span is None else now - span, until=now
            )
            self._kept.pop(range_text, None)
            self._kept[range_text] = (now, found)
            while len(self._kept) > _KEPT:
                self._kept.pop(next(iter(self._kept)))
            return found

    async def measure(self) -> None:
        """Brings the figures into the metrics. A store that does not answer leaves none: old ones would look current."""
        try:
            found = await self.figures(_METRICS_RANGE)
        except errors.Retryable:
            for gauge in _LABELLED:
                gauge.clear()
            INCIDENTS.set(math.nan)
            return
        _tell(found, self._ports.settings.currency)


def _tell(found: TrustFigures, currency: str) -> None:
    for gauge in _LABELLED:
        gauge.clear()
    INCIDENTS.set(found.incidents)
    for failure_class in found.classes:
        for state, count in failure_class.states.items():
            name = _bounded(failure_class.failure_class, [c.failure_class for c in found.classes])
            FIXES.labels(name, state).inc(count)
    total = found.total
    for rate in ("acceptance", "held", "false_fixes", "taken_back"):
        _tell_rate(rate, getattr(total, rate))
    for event in ("merge_request", "merge", "recovery"):
        _tell_times(event, getattr(total, f"to_{event}"))
    reasons = [one.reason for one in found.not_proposed]
    for one in found.not_proposed:
        NOT_PROPOSED.labels(one.status, _bounded(one.reason, reasons)).inc(one.count)
    models = [use.model for use in found.cost.uses]
    for use in found.cost.uses:
        model = _bounded(use.model, models)
        TOKENS.labels(model, "input").inc(use.input_tokens)
        TOKENS.labels(model, "output").inc(use.output_tokens)
        if use.model in found.cost.money:
            COST.labels(model, currency).inc(found.cost.money[use.model])


def _tell_rate(name: str, rate: Rate) -> None:
    low, high = rate.interval
    share = rate.share
    RATIO.labels(name, "estimate").set(math.nan if share is None else share)
    RATIO.labels(name, "low").set(math.nan if share is None else low)
    RATIO.labels(name, "high").set(math.nan if share is None else high)


def _tell_times(event: str, times: Times) -> None:
    for quantile, seconds in (("0.5", times.median_s), ("0.9", times.p90_s)):
        SECONDS.labels(event, quantile).set(math.nan if seconds is None else seconds)


def _bounded(name: str, names: Sequence[str]) -> str:
    """The name where it is among the first so many, which have the largest counts."""
    return name if name in list(dict.fromkeys(names))[:_LABELS] else "other"
