"""What `kfix replay` says of a decision, in words that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kfix.engine.runtime.comparing import Compared

#: Paths that are named; what is more is counted.
_NAMED = 6
_WHY = {
    "policy": "by rules or policy",
    "world": "by the world",
    "policy and world": "by rules or policy, and by the world",
}


def lines_of(compared: Compared) -> Iterator[str]:
    """A comparison, its first line by itself."""
    about = (
        compared.stage,
        compared.incident or compared.cause,
        compared.topic,
        compared.environment or "unknown",
    )
    head = "\t".join(about)
    if compared.skipped:
        yield f"{head}\tnot compared: {compared.skipped}"
    elif compared.failed:
        yield f"{head}\tcannot be decided now: {compared.failed}"
        yield from _indented("then", compared.then)
        if compared.now is not None:
            yield from _indented("now, without that answer", compared.now)
    elif not compared.changed:
        yield f"{head}\tthe same: {next(_decided(compared.now))}"
    else:
        why = _WHY.get(compared.because, "")
        yield f"{head}\tchanges{' ' if why else ''}{why}: {_named(compared.changed)}"
        yield from _indented("then", compared.then)
        yield from _indented("now", compared.now)


def _named(paths: tuple[str, ...]) -> str:
    """The paths that tell most: what is said of the whole comes first, what follows from other sentences last."""
    ordered = sorted(paths, key=lambda path: ("_text" in path, len(re.findall(r"[.\[]", path))))
    more = len(paths) - _NAMED
    return ", ".join(ordered[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _indented(label: str, decided: Mapping[str, Any] | None) -> Iterator[str]:
    for n, line in enumerate(_decided(decided)):
        yield f"  {label + ':' if n == 0 else '':<6}{line}"


def _decided(decided: Mapping[str, Any] | None) -> Iterator[str]:
    """Status and reason, cause, and each plan with what becomes of it."""
    if decided is None:
        yield "nothing"
        return
    if "status" not in decided:
        yield json.dumps(decided, ensure_ascii=False)[:200]
        return
    reason = f" ({decided['reason']})" if decided.get("reason") else ""
    explanation = f": {decided['explanation']}" if decided.get("explanation") else ""
    yield f"{decided['status']}{reason}{explanation}"
    analysis = decided.get("analysis")
    if analysis:
        about = analysis["object"]
        place = "/".join(filter(None, (about["kind"], about["namespace"], about["name"])))
        yield f"  cause {analysis['failure_class']} of {place}: {analysis['root_cause']}"
    for plan in decided.get("plans", ()):
        yield f"  plan {_plan(plan, decided.get('recommended', ''))}"


def _plan(found: Mapping[str, Any], recommended: str) -> str:
    """A candidate's plan, or one with its verdicts."""
    plan = found.get("plan", found)
    title = f"{plan['priority']} {plan['title']}"
    if "checks" not in found:
        return title
    if plan["plan_id"] == recommended:
        return f"{title}: recommended"
    stopped = [
        f"{check['name']}: {check['reason']}"
        for check in found["checks"]
        if check["name"] in found["rejected_by"]
    ]
    return f"{title}: {'stopped by ' + '; '.join(stopped) if stopped else 'accepted'}"
