"""`kfix replay`: what would today's rules, model or policy decide about what happened then?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from kfix.engine.broker.connection import Brokers
    from kfix.engine.broker.reading import Stored
    from kfix.engine.runtime.comparing import Compared
    from kfix.engine.runtime.replay import Replay
    from kfix.engine.topics import Topic

_WORLDS, _PUBLISH, _FAIL_ON, _OUTPUT = (
    ("then", "now"),
    ("never", "observe"),
    ("any", "production", "never"),
    ("text", "json"),
)
#: Nothing was told, since nothing could be: usage, unknown incidents, a broker that is away.
_USAGE = 2


def register(app: typer.Typer) -> None:
    """Adds ``replay``."""
    app.command("replay")(replay)


def replay(
    *,
    incident: Annotated[
        list[str] | None, typer.Option(help="replay the records of an incident; may be repeated")
    ] = None,
    topic: Annotated[str, typer.Option(help="replay a topic, e.g. context.bundle")] = "",
    since: Annotated[str, typer.Option("--from", help="ISO 8601, inclusive")] = "",
    until: Annotated[str, typer.Option("--to", help="ISO 8601, exclusive")] = "",
    stage: Annotated[str, typer.Option(help="stages to re-run, with commas, in order")] = "decide",
    world: Annotated[
        str,
        typer.Option(
            help="then: what was heard then is told again (decide, safety); now: the model, the cluster and "
            "the repositories are asked today"
        ),
    ] = "then",
    fail_on: Annotated[
        str,
        typer.Option(
            help="any, production or never: whose change makes the exit code 1; an unknown environment "
            "counts as production"
        ),
    ] = "any",
    everything: Annotated[
        bool, typer.Option("--all", help="print the decisions that stay the same, too")
    ] = False,
    publish: Annotated[
        str, typer.Option(help="never: the publish stage is not re-run; observe: without effects")
    ] = "never",
    database: Annotated[
        str, typer.Option(help="store for the re-run; default: an empty one of its own")
    ] = "",
    output: Annotated[str, typer.Option(help="text or json (one object a line)")] = "text",
) -> None:
    """Re-runs records through stages into shadow topics and prints which decisions change. Nothing real is touched.

    Exit code 0: nothing changes. 1: something changes, or cannot be decided any more. 2: nothing could be compared.
    """
    from kfix.cli.kafka import run

    names = [name.strip() for name in stage.split(",") if name.strip()]
    for option, value, known in (
        ("--world", world, _WORLDS),
        ("--publish", publish, _PUBLISH),
        ("--fail-on", fail_on, _FAIL_ON),
        ("--output", output, _OUTPUT),
    ):
        if value not in known:
            _refuse(f"{option} is {' or '.join(known)}, not {value!r}")
    if bool(incident) == bool(topic):
        _refuse("give --incident or --topic")
    if publish == "never":
        names = [name for name in names if name != "publish"]
    if not names:
        _refuse("give a --stage to re-run")
    wish = _Wish(
        names,
        tuple(dict.fromkeys(incident or ())),
        topic,
        _at(since),
        _at(until),
        database,
        cast(Literal["then", "now"], world),
    )
    told = _Told(output == "json", everything, wish.world)
    run(_replay(wish, told), failed=_USAGE)
    raise typer.Exit(told.end(fail_on))


def _refuse(why: str) -> None:
    typer.echo(f"kfix: {why}", err=True)
    raise typer.Exit(_USAGE)


def _at(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        typer.echo(f"kfix: no time: {text!r}", err=True)
        raise typer.Exit(_USAGE) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is replayed, through what, in which world."""

    stages: Sequence[str]
    incidents: Sequence[str]
    topic: str
    since: datetime | None
    until: datetime | None
    database: str
    world: Literal["then", "now"]


@dataclass(slots=True)
class _Told:
    """What was printed, and how it ends."""

    as_json: bool
    everything: bool
    world: str
    #: Decisions that were compared, that change by reason, that cannot be decided, and that were not compared.
    total: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    skipped: int = 0
    in_production: bool = False
    not_as_then: Counter[str] = field(default_factory=Counter)

    def take(self, compared: Compared) -> None:
        """Prints a comparison that tells something, and counts it."""
        from kfix.cli.replay_words import lines_of

        self.skipped += bool(compared.skipped)
        self.total += not compared.skipped
        self.failed += bool(compared.failed)
        if compared.changed:
            self.changed[compared.because] += 1
        self.in_production = self.in_production or (compared.differs and compared.in_production)
        self.not_as_then.update(compared.not_as_then)
        if not (self.everything or compared.differs or compared.skipped):
            return
        if self.as_json:
            typer.echo(json.dumps(compared.plain()))
            return
        for line in lines_of(compared):
            tell(line)

    def end(self, fail_on: str) -> int:
        """Tells the sums. The exit code."""
        for what, times in self.not_as_then.most_common():
            tell(f"not as then: {what} ({times} decisions)", err=True)
        changed = sum(self.changed.values())
        apart = {why: self.changed[why] for why in ("policy", "world", "policy and world")}
        told = ", ".join(f"{times} by {why}" for why, times in apart.items() if times)
        line = f"{self.total} decisions, {changed} change{f' ({told})' if told else ''}"
        if self.failed:
            line += f", {self.failed} cannot be decided"
            line += " (--world now asks today's world)" if self.world == "then" else ""
        if self.skipped:
            line += f"; {self.skipped} not compared: their world was not kept, use --world now"
        typer.echo(line, err=True)
        if self.skipped and not self.total:
            return _USAGE
        differs = bool(changed or self.failed)
        return int({"any": differs, "production": self.in_production, "never": False}[fail_on])


async def _replay(wish: _Wish, told: _Told) -> None:
    import tempfile
    from contextlib import AsyncExitStack

    from kfix.cli.kafka import cluster

    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kfix-replay-"))
        _observe(wish.database or f"sqlite:///{folder}/replay.db")
        brokers = await cluster()
        traces = await _traces(brokers, wish.incidents)
        again, topics = await _open(wish, brokers, stack)
        for topic in topics:
            for stored in await _chosen(brokers, topic, wish, traces):
                for compared in await again.run(topic, stored):
                    told.take(compared)
    if wish.incidents and not told.total and not told.skipped:
        from schemas import errors

        raise errors.NotFound(
            f"{', '.join(t.name for t in topics)}: no record of {', '.join(wish.incidents)} was decided"
        )


def _observe(database: str) -> None:
    """Settings of this process, before any stage reads them: no effects, a store of its own."""
    import os

    os.environ["KFIX_MODE"] = "observe"
    os.environ["KFIX_DATABASE_URL"] = database


async def _open(wish: _Wish, brokers: Brokers, stack: AsyncExitStack) -> tuple[Replay, list[Topic]]:  # type: ignore[type-arg]
    from decide.core.playbooks import BadPlaybooks
    from kfix.cli.stage_registry import find
    from kfix.engine.runtime.producer import Producer
    from kfix.engine.runtime.replay import Replay
    from kfix.engine.runtime.settings import Runtime
    from kfix.engine.wire import codec_for
    from kfix.infra.settings import load
    from schemas import errors

    stages = [find(name) for name in wish.stages]
    deciding = [handler for s in stages for handler in s.handlers if handler.writes]
    readable = {handler.reads.name: handler.reads for handler in deciding}
    if wish.topic and wish.topic not in readable:
        raise errors.Rejected(f"{', '.join(wish.stages)} does not read {wish.topic}")
    producer = Producer(brokers, load(Runtime))
    await producer.start()
    stack.push_async_callback(producer.stop)
    codec = codec_for(brokers.kafka)
    again = Replay(stages, brokers=brokers, codec=codec, producer=producer, world=wish.world)
    try:
        await again.open(stack)
    except BadPlaybooks as bad:
        raise errors.Rejected(str(bad)) from bad
    first = [handler.reads for handler in stages[0].handlers if handler.writes]
    return again, [readable[wish.topic]] if wish.topic else first


async def _chosen(
    brokers: Brokers,
    topic: Topic,  # type: ignore[type-arg]
    wish: _Wish,
    traces: frozenset[str],
) -> list[Stored]:
    """Records of the topic that are meant, oldest first. Before an incident has its id, records belong to it by trace."""
    from kfix.engine.broker.reading import read
    from kfix.engine.runtime import headers as hd

    found = []
    async for stored in read(brokers, [topic.name], since=wish.since, until=wish.until):
        meant = not wish.incidents or stored.text(hd.INCIDENT) in wish.incidents
        if meant or (hd.trace_of(stored.text(hd.TRACEPARENT)) or "") in traces:
            found.append(stored)
    return sorted(found, key=lambda one: (one.at, one.partition, one.offset))


async def _traces(brokers: Brokers, incidents: Sequence[str]) -> frozenset[str]:
    """Trace ids of all records that name the incidents. Raises errors.NotFound for an incident that no record names."""
    from kfix.engine import topics
    from kfix.engine.broker.administration import list_topics
    from kfix.engine.broker.reading import read
    from kfix.engine.runtime import headers as hd
    from schemas import errors

    if not incidents:
        return frozenset()
    found: dict[str, set[str]] = {incident: set() for incident in incidents}
    present = await list_topics(brokers)
    async for stored in read(brokers, [t.name for t in topics.ALL if t.name in present]):
        if (named := stored.text(hd.INCIDENT)) in found:
            found[named].add(hd.trace_of(stored.text(hd.TRACEPARENT)) or "-")
    unknown = [incident for incident, traces in found.items() if not traces]
    if unknown:
        raise errors.NotFound(f"no record of {', '.join(unknown)}")
    return frozenset().union(*found.values())
