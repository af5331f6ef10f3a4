"""Which of Datadog's monitors K-Fix could act on: read, judged, and told on a terminal or as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enrich.core import coverage
from enrich.core.coverage import Covered
from enrich.core.summing_up import members, sums_up
from kfix.incident.cluster_names import Fleet
from kfix.texts import Language, word
from schemas import errors
from schemas.context import Monitor

#: Version of the JSON: raised when a field changes its meaning or goes away.
VERSION = 1
#: Monitors of a list that the text shows.
_SHOWN = 20
#: Columns of a monitor's name.
_NAME = 44
#: Objectives and tests that are asked for at once.
_AT_ONCE = 4


class RulesBehind(Protocol):
    """Who knows what a rule sums up."""

    async def behind(self, monitor: Monitor) -> list[Monitor]:
        """The rules behind one. Raises from ``schemas.errors``."""
        ...


@dataclass(frozen=True, slots=True)
class Coverage:
    """All monitors. ``unread``: ids of those whose objective or test could not be read, with why."""

    monitors: tuple[Covered, ...]
    unread: Mapping[str, str]
    webhook: str


async def judged(
    monitors: Sequence[Monitor],
    rules: RulesBehind,
    fleet: Fleet,
    webhook: str,
    step: Callable[[], None] = lambda: None,
) -> Coverage:
    """Every monitor judged; ``step`` is called once a monitor. Composites are read out of the list itself."""
    known = {monitor.rule_id: monitor for monitor in monitors}
    gate, unread = asyncio.Semaphore(_AT_ONCE), dict[str, str]()

    async def one(monitor: Monitor) -> Covered:
        behind: Sequence[Monitor] = ()
        if monitor.type == "composite":
            behind = [known[name] for name in members(monitor.query) if name in known]
        elif sums_up(monitor):
            async with gate:
                try:
                    behind = await rules.behind(monitor)
                except errors.KFixError as failure:
                    unread[monitor.rule_id] = f"{failure.reason}: {failure}"
        step()
        return coverage.covered(monitor, fleet, webhook=webhook, behind=behind)

    found = await asyncio.gather(*(one(monitor) for monitor in monitors))
    return Coverage(tuple(found), unread, webhook)


def shape(found: Coverage) -> dict[str, Any]:
    """For programs; ``docs/coverage.md`` says what the fields mean."""
    sums = coverage.totals(found.monitors)
    return {
        "version": VERSION,
        "webhook": found.webhook,
        "totals": {
            "monitors": sums.monitors,
            "acts": sums.acting,
            "hears": sums.heard,
            "acts_and_hears": sums.acting_and_heard,
            "other_clusters": sums.foreign,
            "routes": dict(sums.routes),
            "missing": dict(sums.missing),
        },
        "monitors": [_shaped(one, found) for one in found.monitors],
    }


def _shaped(one: Covered, found: Coverage) -> dict[str, Any]:
    return {
        "id": one.rule_id,
        "name": one.name,
        "type": one.type,
        "url": one.url,
        "acts": one.acts,
        "route": one.route,
        "on": list(one.on),
        "through": list(one.through),
        "missing": list(one.missing),
        "cluster": one.claim.verdict,
        "hears": one.heard,
        "silenced": one.silenced,
        "unread": found.unread.get(one.rule_id, ""),
    }


def lines(found: Coverage, language: Language, *, every: bool = False) -> Iterator[str]:
    """For people. ``every``: whole lists, not their beginnings."""
    return _Paper(found, language, None if every else _SHOWN).lines()


@dataclass(frozen=True, slots=True)
class _Paper:
    """The text in a language. ``most``: of each list; ``None``: all."""

    found: Coverage
    language: Language
    most: int | None

    def lines(self) -> Iterator[str]:
        sums, handle = coverage.totals(self.found.monitors), f"@webhook-{self.found.webhook}"
        if not sums.monitors:
            yield self._say("none")
            return
        yield self._say("sum", monitors=sums.monitors, acting=sums.acting)
        if not sums.named:
            yield self._say("unnamed")
        yield self._say("heard", heard=sums.acting_and_heard, handle=handle)
        yield ""
        yield from (f"{many:>7}  {self._say(f'route.{on}')}" for on, many in sums.routes.items())
        if sums.foreign:
            yield f"{sums.foreign:>7}  {self._say('foreign')}"
        if sums.missing:
            yield from ("", self._say("missing"))
            yield from (f"{many:>7}  {tag}" for tag, many in sums.missing.items())
        unheard = [one for one in self.found.monitors if one.acts and not one.heard]
        yield from self._list(self._say("unheard", handle=handle), unheard)
        idle = [one for one in self.found.monitors if not one.acts]
        yield from self._list(self._say("idle"), idle)

    def _list(self, head: str, ones: Sequence[Covered]) -> Iterator[str]:
        if not ones:
            return
        yield from ("", f"{head} ({len(ones)})")
        for one in ones[: self.most]:
            yield f"  {one.rule_id:>10}  {_clamped(one.name):<{_NAME}}  {self._about(one)}"
        if self.most is not None and len(ones) > self.most:
            yield "  " + self._say("more", more=len(ones) - self.most)

    def _about(self, one: Covered) -> str:
        parts = [", ".join(one.on) or self._say(f"route.{one.route}")]
        if one.claim.verdict == "foreign":
            parts.append(self._say("cluster", named=list(one.claim.named)))
        if one.missing:
            parts.append(self._say("lacks", tags=list(one.missing)))
        if one.through:
            parts.append(self._say("through", names=list(one.through)))
        if one.rule_id in self.found.unread:
            parts.append(self._say("unread", why=self.found.unread[one.rule_id]))
        return "; ".join(parts)

    def _say(self, key: str, **filled: Any) -> str:
        return word(f"coverage.{key}", self.language, **filled)


def _clamped(name: str) -> str:
    line = " ".join(name.split())
    return line if len(line) <= _NAME else line[: _NAME - 1] + "…"
