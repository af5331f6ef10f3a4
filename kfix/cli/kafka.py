"""`kfix topics` and `kfix dlq`: the spine from the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kfix.engine.broker.connection import Brokers
    from kfix.engine.broker.reading import Stored
    from kfix.engine.runtime.dead_letters import DeadLetterFilter

Topic_ = Annotated[str, typer.Option("--topic", help="the topic they died in, e.g. alerts.raw")]
Incident = Annotated[str, typer.Option(help="incident id")]
Reason = Annotated[str, typer.Option(help="reason, e.g. timed_out")]


def register(app: typer.Typer) -> None:
    """Adds ``topics`` and ``dlq``."""
    topics = typer.Typer(help="The topics of the spine.", no_args_is_help=True)
    topics.command("create")(create)
    topics.command("list")(list_)
    topics.command("check")(check)
    app.add_typer(topics, name="topics")
    dlq = typer.Typer(help="Dead letters: records that were given up.", no_args_is_help=True)
    dlq.command("list")(dlq_list)
    dlq.command("show")(dlq_show)
    dlq.command("replay")(dlq_replay)
    app.add_typer(dlq, name="dlq")


def run(work: Coroutine[Any, Any, None], *, failed: int = 1) -> None:
    """Runs a command's coroutine; typed failures and the broker's become one line on stderr and exit code ``failed``."""
    from aiokafka.errors import KafkaError

    from kfix.infra.telemetry import logs
    from schemas import errors

    logs.configure("WARNING", people=True, cached=False)
    try:
        asyncio.run(work)
    except errors.KFixError as failure:
        typer.echo(f"kfix: {failure}", err=True)
        raise typer.Exit(failed) from None
    except KafkaError as failure:
        typer.echo(f"kfix: the broker refused: {failure}", err=True)
        raise typer.Exit(failed) from None


async def cluster(within_s: float = 10.0) -> Brokers:
    """The configured cluster, reachable. Raises errors.Rejected when none is configured."""
    from kfix.engine.broker.connection import Brokers, wait_until_up
    from kfix.infra.settings import Kafka, load
    from schemas import errors

    kafka = load(Kafka)
    if not kafka.bootstrap:
        raise errors.Rejected(
            "KFIX_KAFKA_BOOTSTRAP is not set; `kfix up` prints the address of its embedded broker "
            "(set KFIX_KAFKA_EMBEDDED=true with it)"
        )
    brokers = Brokers(kafka.bootstrap, kafka, embedded=kafka.embedded)
    await wait_until_up(brokers, within_s=within_s)
    return brokers


def create() -> None:
    """Makes the topics that are missing, each with its .retry and .dlq."""
    run(_create())


async def _create() -> None:
    from kfix.engine import topics
    from kfix.engine.broker.administration import create_topics, with_sides
    from kfix.infra.settings import Retention, load

    brokers = await cluster()
    wanted = with_sides(topics.ALL, brokers.kafka.partitions)
    made = await create_topics(brokers, wanted, load(Retention))
    for name in made:
        typer.echo(name)


def check() -> None:
    """Compares how long the broker keeps each topic's records with KFIX_RETENTION_…; exit 3 where it is longer, or not told.

    A record that comes back after its keys are gone from the store would be handled as a new one.
    """
    run(_check())


async def _check() -> None:
    from kfix.engine import topics
    from kfix.engine.broker.administration import kept_records, with_sides
    from kfix.infra.settings import Retention, load

    brokers = await cluster()
    wanted = with_sides(topics.ALL, brokers.kafka.partitions)
    found = await kept_records(brokers, wanted, load(Retention))
    for one in found:
        typer.echo(f"{one.name}\t{days(one.kept_ms)}\twanted {days(one.wanted_ms)}")
    wrong = [one for one in found if not one.as_wanted]
    for one in wrong:
        typer.echo(
            f"kafka-configs.sh --alter --entity-type topics --entity-name {brokers.named(one.name)} "
            f"--add-config cleanup.policy=delete,retention.ms={one.wanted_ms}",
            err=True,
        )
    missing = sorted({topic.name for topic in wanted} - {one.name for one in found})
    for name in missing:
        typer.echo(f"{name}\tnot there: kfix topics create makes it", err=True)
    if missing or any(one.longer for one in found):
        raise typer.Exit(3)


def days(ms: int) -> str:
    """A time to keep, for people."""
    return "for ever" if ms < 0 else f"{ms / 86_400_000:g} days"


def list_() -> None:
    """Lists topics and their partitions."""
    run(_list())


async def _list() -> None:
    from kfix.engine.broker.administration import list_topics

    for name, partitions in sorted((await list_topics(await cluster())).items()):
        typer.echo(f"{name}\t{partitions}")


def dlq_list(topic: Topic_ = "", incident: Incident = "", reason: Reason = "") -> None:
    """Lists dead letters, one JSON object a line."""
    from kfix.engine.runtime.dead_letters import DeadLetterFilter

    run(_print(DeadLetterFilter(topic=topic, incident=incident, reason=reason), whole=False))


def dlq_show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="topic:partition:offset")],
) -> None:
    """Shows one dead letter with its headers and bytes."""
    from kfix.engine.runtime.dead_letters import DeadLetterFilter

    run(_print(DeadLetterFilter(id=id_), whole=True))


def dlq_replay(
    id_: Annotated[str, typer.Option("--id", help="topic:partition:offset")] = "",
    topic: Topic_ = "",
    incident: Incident = "",
    reason: Reason = "",
    everything: Annotated[bool, typer.Option("--all", help="all dead letters")] = False,
) -> None:
    """Sends dead letters on their way again. They stay in the dead-letter topic; doing it twice is safe."""
    from kfix.engine.runtime.dead_letters import DeadLetterFilter

    wish = DeadLetterFilter(id=id_, topic=topic, incident=incident, reason=reason)
    if wish == DeadLetterFilter() and not everything:
        typer.echo("kfix: say which (--id, --topic, --incident, --reason) or --all", err=True)
        raise typer.Exit(2)
    run(_replay(wish))


def described(letter: Stored, *, whole: bool) -> dict[str, Any]:
    """A dead letter for people; ``whole`` with all headers and the original bytes as text."""
    from kfix.engine.runtime import headers as hd
    from kfix.engine.runtime.dead_letters import letter_id

    shown: dict[str, Any] = {
        "id": letter_id(letter),
        "at": letter.at.isoformat(timespec="seconds"),
        "stage": letter.text(hd.STAGE),
        "incident": letter.text(hd.INCIDENT),
        "error": letter.text(hd.ERROR),
        "reason": letter.text(hd.REASON),
        "message": letter.text(hd.MESSAGE),
        "attempt": letter.text(hd.ATTEMPT),
    }
    if whole:
        shown["headers"] = {name: letter.text(name) for name in letter.headers}
        shown["key"] = (letter.key or b"").decode("utf-8", "replace")
        shown["value"] = letter.value.decode("utf-8", "backslashreplace")
    return shown


async def _print(wish: DeadLetterFilter, *, whole: bool) -> None:
    from kfix.engine import topics
    from kfix.engine.runtime.dead_letters import find
    from schemas import errors

    found = False
    async for _, letter in find(await cluster(), topics.ALL, wish):
        found = True
        typer.echo(json.dumps(described(letter, whole=whole), indent=2 if whole else None))
    if whole and not found:
        raise errors.NotFound(f"there is no dead letter {wish.id}")


async def _replay(wish: DeadLetterFilter) -> None:
    from kfix.engine import topics
    from kfix.engine.runtime.dead_letters import letter_id, replay
    from kfix.engine.runtime.producer import Producer
    from kfix.engine.runtime.settings import Runtime
    from kfix.engine.wire import codec_for
    from kfix.infra.settings import load

    brokers = await cluster()
    producer = Producer(brokers, load(Runtime))
    await producer.start()
    sent = refused = 0
    try:
        codec = codec_for(brokers.kafka)
        async for one in replay(brokers, topics.ALL, wish, codec=codec, producer=producer):
            sent, refused = sent + (not one.refused), refused + bool(one.refused)
            typer.echo(f"{letter_id(one.letter)}\t{one.refused or 'sent'}")
    finally:
        await producer.stop()
    typer.echo(f"{sent} sent, {refused} stay", err=True)
