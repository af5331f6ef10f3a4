"""Figures of trust as JSON, and the words for their time range. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from kfix.incident.trust.figures import ClassFigures, Cost, Offender, Times, TrustFigures
from kfix.incident.trust.fixes import FixFacts
from kfix.incident.trust.intervals import Rate
from schemas.base import Json

#: Ranges that the page offers.
RANGES = ("7d", "30d", "90d", "all")
_DAYS = re.compile(r"([1-9][0-9]{0,3})d")


def range_of(text: str) -> timedelta | None:
    """``30d`` is 30 days, ``all`` is ``None``. Raises ValueError for anything else."""
    if text == "all":
        return None
    match = _DAYS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:20]!r} is neither 'all' nor days like '30d'")
    return timedelta(days=int(match[1]))


def trust_json(found: TrustFigures, currency: str) -> dict[str, Json]:
    """All figures; shares from 0 to 1 with their 95 % interval, times in seconds."""
    return {
        "since": _moment(found.since),
        "until": _moment(found.until),
        "incidents": found.incidents,
        "total": _class(found.total),
        "classes": [{"failure_class": one.failure_class, **_class(one)} for one in found.classes],
        "not_proposed": [
            {"status": one.status, "reason": one.reason, "count": one.count}
            for one in found.not_proposed
        ],
        "objects": _offenders(found.objects, "object"),
        "monitors": _offenders(found.monitors, "monitor"),
        "came_back": [_came_back(fix) for fix in found.came_back],
        "model_cost": _cost(found.cost, currency),
    }


def _class(one: ClassFigures) -> dict[str, Json]:
    return {
        "proposed": one.proposed,
        "merged": one.merged,
        "states": dict(sorted(one.states.items())),
        "came_back": one.came_back,
        "judged_bad": one.judged_bad,
        "wrong_cause": one.wrong_cause,
        "acceptance": _rate(one.acceptance),
        "held": _rate(one.held),
        "false_fixes": _rate(one.false_fixes),
        "taken_back": _rate(one.taken_back),
        "to_merge_request_s": _times(one.to_merge_request),
        "to_merge_s": _times(one.to_merge),
        "to_recovery_s": _times(one.to_recovery),
    }


def _rate(rate: Rate) -> Json:
    low, high = rate.interval
    return {
        "hits": rate.hits,
        "of": rate.of,
        "share": None if rate.share is None else round(rate.share, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _times(times: Times) -> Json:
    return {"n": times.n, "median": times.median_s, "p90": times.p90_s}


def _offenders(offenders: Sequence[Offender], name: str) -> Json:
    return [
        {
            name: one.name,
            "cluster": one.cluster,
            "title": one.title,
            "incidents": one.incidents,
            "merged": one.merged,
            "false_fixes": one.false_fixes,
        }
        for one in offenders
    ]


def _came_back(fix: FixFacts) -> Json:
    return {
        "incident_id": fix.root_id,
        "attempt": fix.incident_id,
        "failure_class": fix.failure_class,
        "fix_kind": fix.fix_kind,
        "object": fix.object_key,
        "merged_at": _moment(fix.merged_at),
        "came_back_at": _moment(fix.came_back_at),
    }


def _cost(cost: Cost, currency: str) -> Json:
    return {
        "currency": currency,
        "money": cost.total,
        "models": [
            {
                "model": use.model,
                "calls": use.calls,
                "input_tokens": use.input_tokens,
                "output_tokens": use.output_tokens,
                "money": cost.money.get(use.model),
            }
            for use in cost.uses
        ],
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
