"""`kfix replay`: what would today's rules, model or policy decide about what happened then?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kfix.cli.terminal import tell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AsyncExitStack

    from kfix.engine.broker.connection import Brokers
    from kfix.engine.broker.reading import Stored
    from kfix.engine.runtime.replay import Compared, Replay
    from kfix.engine.topics import Topic


def register(app: typer.Typer) -> None:
    """Adds ``replay``."""
    app.command("replay")(replay)


def replay(
    *,
    incident: Annotated[str, typer.Option(help="replay the records of one incident")] = "",
    topic: Annotated[str, typer.Option(help="replay a topic, e.g. context.bundle")] = "",
    since: Annotated[str, typer.Option("--from", help="ISO 8601, inclusive")] = "",
    until: Annotated[str, typer.Option("--to", help="ISO 8601, exclusive")] = "",
    stage: Annotated[str, typer.Option(help="stages to re-run, with commas, in order")] = "decide",
    publish: Annotated[
        str, typer.Option(help="never: the publish stage is not re-run; observe: without effects")
    ] = "never",
    database: Annotated[
        str, typer.Option(help="store for the re-run; default: an empty one of its own")
    ] = "",
    output: Annotated[str, typer.Option(help="text or json (one object a line)")] = "text",
) -> None:
    """Re-runs records through stages into shadow topics and prints which decisions change. Nothing real is touched."""
    from kfix.cli.kafka import run

    names = [name.strip() for name in stage.split(",") if name.strip()]
    if bool(incident) == bool(topic) or publish not in ("never", "observe"):
        typer.echo("kfix: give --incident or --topic; --publish is never or observe", err=True)
        raise typer.Exit(2)
    if publish == "never":
        names = [name for name in names if name != "publish"]
    run(
        _replay(
            names=names,
            incident=incident,
            topic_name=topic,
            since=_at(since),
            until=_at(until),
            database=database,
            output=output,
        )
    )


def _at(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        typer.echo(f"kfix: no time: {text!r}", err=True)
        raise typer.Exit(2) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _replay(
    *,
    names: list[str],
    incident: str,
    topic_name: str,
    since: datetime | None,
    until: datetime | None,
    database: str,
    output: str,
) -> None:
    import tempfile
    from contextlib import AsyncExitStack

    from kfix.cli.kafka import cluster

    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kfix-replay-"))
        _observe(database or f"sqlite:///{folder}/replay.db")
        brokers = await cluster()
        redecider, topics = await _open(names, topic_name, brokers, stack)
        total = changed = 0
        for topic in topics:
            async for stored in _chosen(brokers, topic, incident, since, until):
                async for compared in redecider.run(topic, stored):
                    total, changed = total + 1, changed + bool(compared.changed or compared.failed)
                    _print(compared, output)
        typer.echo(f"{total} decisions, {changed} change", err=True)


def _observe(database: str) -> None:
    """Settings of this process, before any stage reads them: no effects, a store of its own."""
    import os

    os.environ["KFIX_MODE"] = "observe"
    os.environ["KFIX_DATABASE_URL"] = database


async def _open(
    names: list[str], topic_name: str, brokers: Brokers, stack: AsyncExitStack
) -> tuple[Replay, list[Topic]]:  # type: ignore[type-arg]
    from kfix.cli.stage_registry import find
    from kfix.engine.runtime.producer import Producer
    from kfix.engine.runtime.replay import Replay
    from kfix.engine.runtime.settings import Runtime
    from kfix.engine.wire import codec_for
    from kfix.infra.settings import load
    from schemas import errors

    stages = [find(name) for name in names]
    readable = {handler.reads.name: handler.reads for s in stages for handler in s.handlers}
    if topic_name and topic_name not in readable:
        raise errors.Rejected(f"{', '.join(names)} does not read {topic_name}")
    producer = Producer(brokers, load(Runtime))
    await producer.start()
    stack.push_async_callback(producer.stop)
    redecider = Replay(stages, brokers=brokers, codec=codec_for(brokers.kafka), producer=producer)
    await redecider.open(stack)
    first = [handler.reads for handler in stages[0].handlers]
    return redecider, [readable[topic_name]] if topic_name else first


async def _chosen(
    brokers: Brokers,
    topic: Topic,  # type: ignore[type-arg]
    incident: str,
    since: datetime | None,
    until: datetime | None,
) -> AsyncIterator[Stored]:
    """Records of the topic that are meant. Before an incident has its id, records belong to it by trace."""
    from kfix.engine.broker.reading import read
    from kfix.engine.runtime import headers as hd

    traces = await _traces(brokers, incident) if incident else set()
    async for stored in read(brokers, [topic.name], since=since, until=until):
        meant = not incident or stored.text(hd.INCIDENT) == incident
        if meant or (hd.trace_of(stored.text(hd.TRACEPARENT)) or "") in traces:
            yield stored


async def _traces(brokers: Brokers, incident: str) -> set[str]:
    """Trace ids of all records that name the incident."""
    from kfix.engine import topics
    from kfix.engine.broker.administration import list_topics
    from kfix.engine.broker.reading import read
    from kfix.engine.runtime import headers as hd

    found = set()
    present = await list_topics(brokers)
    async for stored in read(brokers, [t.name for t in topics.ALL if t.name in present]):
        if stored.text(hd.INCIDENT) == incident:
            found.add(hd.trace_of(stored.text(hd.TRACEPARENT)) or "-")
    return found


def _print(compared: Compared, output: str) -> None:
    from dataclasses import asdict

    if output == "json":
        typer.echo(json.dumps(asdict(compared)))
        return
    head = f"{compared.stage}\t{compared.incident or compared.cause}\t{compared.topic}"
    if compared.failed:
        tell(f"{head}\tfailed now: {compared.failed}")
    elif not compared.changed:
        tell(f"{head}\tthe same: {_short(compared.now)}")
    else:
        tell(f"{head}\tchanges: {', '.join(compared.changed[:8])}")
        tell(f"  then {_short(compared.then)}")
        tell(f"  now  {_short(compared.now)}")


def _short(decided: dict[str, object] | None) -> str:
    """A decision in one line: its status, class and recommended plan, as far as it has them."""
    if decided is None:
        return "nothing"
    analysis = decided.get("analysis")
    parts = [str(decided.get(name, "")) for name in ("status", "reason", "recommended")]
    if isinstance(analysis, dict):
        parts.insert(1, str(analysis.get("failure_class", "")))
    return " ".join(part for part in parts if part) or json.dumps(decided)[:120]
