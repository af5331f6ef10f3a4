"""Datadog's monitors, objectives and tests as the rules that enrich knows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from manifests.objects.shapes import at, items, mapping, mappings, text
from schemas.base import Json
from schemas.context import Monitor, Silence

#: Characters of a monitor's message.
_MESSAGE = 4_000
#: Steps of one test.
_STEPS = 10


def rule_of(found: Mapping[str, Json], url: str, history: tuple[str, ...] = ()) -> Monitor:
    """A monitor as its API shows it (v1). ``url``: its page, empty where there is none."""
    options = mapping(found, "options")
    groups = mapping(found, "state", "groups")
    return Monitor(
        rule_id=str(found.get("id") or ""),
        name=str(found.get("name") or ""),
        type=str(found.get("type") or ""),
        query=str(found.get("query") or ""),
        message=str(found.get("message") or "")[:_MESSAGE],
        tags=tuple(str(tag) for tag in items(found, "tags")),
        thresholds=_numbers(mapping(options, "thresholds")),
        overall_state=str(found.get("overall_state") or ""),
        group_states={str(name): text(group, "status") for name, group in groups.items()},
        history=history,
        url=url,
        silences=tuple(_silences(found)),
        test_id=text(options, "synthetics_check_id"),
    )


def _silences(found: Mapping[str, Json]) -> Iterator[Silence]:
    """Of the monitor's own list, and of downtimes that match it (``with_downtimes``)."""
    for scope, until in mapping(found, "options", "silenced").items():
        yield Silence(scope=str(scope), until=_second(until))
    for downtime in mappings(found, "matching_downtimes"):
        scope = ",".join(str(tag) for tag in items(downtime, "scope")) or "*"
        yield Silence(
            scope=scope, since=_second(at(downtime, "start")), until=_second(at(downtime, "end"))
        )


def _second(value: Json) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number else None


def _numbers(thresholds: Mapping[str, Json]) -> dict[str, float]:
    found = {str(name): _second(value) for name, value in thresholds.items()}
    return {name: value for name, value in found.items() if value is not None}


def watched_by(objective: Mapping[str, Json]) -> Monitor:
    """An objective without monitors as a rule: what its metrics are asked for."""
    asked = [text(objective, "query", part) for part in ("numerator", "denominator")]
    slices = mappings(objective, "sli_specification", "time_slice", "query", "queries")
    asked += [text(one, "query") for one in slices]
    return Monitor(
        rule_id=text(objective, "id"),
        name=text(objective, "name"),
        type="slo",
        query=" ".join(dict.fromkeys(part for part in asked if part)),
        tags=tuple(str(tag) for tag in items(objective, "tags")),
    )


def called_by(test: Mapping[str, Json], watching: Monitor) -> Monitor:
    """A test as a rule: the address that it calls, of a test with several steps the first one's. It fires as the monitor
    that watches it does."""
    steps = [mapping(step, "request") for step in mappings(test, "config", "steps")[:_STEPS]]
    requests = [mapping(test, "config", "request"), *steps]
    called = (text(one, "url") or text(one, "host") for one in requests)
    address = next((one for one in called if one), "")
    tags = [str(tag) for tag in items(test, "tags")]
    return Monitor(
        rule_id=text(test, "public_id"),
        name=text(test, "name"),
        type="synthetics",
        overall_state=watching.overall_state,
        tags=(*([f"url:{address}"] if address else []), *tags),
    )


def told(event: Mapping[str, Json]) -> str:
    """An event of a monitor on one line: when, which change, its title."""
    moment = event.get("timestamp")
    when = (
        datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(moment, int | float)
        else "?"
    )
    transition = text(event, "monitor", "transition", "trans_name")
    return f"{when} {transition or event.get('status', '')} {event.get('title', '')}"[:300]
