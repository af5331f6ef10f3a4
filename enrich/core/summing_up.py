"""Rules that sum up other rules: what of them names those. Pure.

Sources: docs.datadoghq.com/monitors/types/composite (``123 && !456``), /monitors/types/slo (``error_budget("id")``,
``burn_rate("id")``), /monitors/types/synthetic_monitoring.
"""

from __future__ import annotations

import re

from schemas.alerts import Alert
from schemas.context import Monitor

_OBJECTIVE = re.compile(r"(?:error_budget|burn_rate)\(\s*[\"']([\w-]{1,64})[\"']\s*\)")
_MEMBER = re.compile(r"(?<![\w.])\d{1,19}(?![\w.])")
_TESTS = "synthetics alert"
_KINDS = ("composite", "slo alert", _TESTS)
#: Members of one rule that are asked for.
MOST = 10


def sums_up(monitor: Monitor) -> bool:
    """It watches nothing itself, but other rules, an objective or a test."""
    return monitor.type in _KINDS


def rule_of_test(alert: Alert) -> Monitor:
    """The rule of an alert whose own is not known, as far as it links to a test."""
    test_id = alert.details.get("test_id", "")
    return Monitor(type=_TESTS if test_id else "", test_id=test_id)


def members(query: str) -> tuple[str, ...]:
    """Ids of the rules that a composite's query combines, negated ones left out: they fire when all is well."""
    asked = re.sub(r"!\s*\d+", " ", query)
    return tuple(dict.fromkeys(_MEMBER.findall(asked)))[:MOST]


def objective(query: str) -> str:
    """Id of the service level objective that a rule watches; empty where it watches none."""
    found = _OBJECTIVE.search(query)
    return found[1] if found else ""
