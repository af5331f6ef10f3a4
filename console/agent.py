"""Every record of every topic is kept; the door shows them."""

from __future__ import annotations

from console.ports import ConsolePorts
from console.wiring import open_ports
from kfix.engine import topics
from kfix.engine.runtime.stage import Asgi, Publisher, Stage
from kfix.engine.topics import Topic
from schemas.base import Record

#: Older incidents are counted after a migration; records that come meanwhile must not wait.
_FILL_EVERY_S, _FILL_TIMES, _FILL_AT_ONCE = 5.0, 20, 50


def build(ports: ConsolePorts, publisher: Publisher) -> Asgi:
    """The door; FastAPI is imported only where it is opened."""
    from console.adapters.web import build_app

    return build_app(ports, publisher)


app: Stage[ConsolePorts] = Stage(
    "console",
    ports=open_ports,
    http=build,
    listen=lambda ports: (ports.settings.host, ports.settings.port),
    publishes=(topics.MR_EVENTS,),
)


def _keep(topic: Topic[Record]) -> None:
    async def keep(record: Record, ports: ConsolePorts) -> None:
        await ports.projection.keep(topic.name, record)

    app.handles(topic)(keep)


for _topic in topics.ALL:
    _keep(_topic)


@app.every(seconds=lambda _: _FILL_EVERY_S)
async def count_older(ports: ConsolePorts) -> None:
    """Counts incidents from before there were figures of trust, a few at a time: each time holds the store."""
    for _ in range(_FILL_TIMES):
        if not await ports.projection.fill_trust(_FILL_AT_ONCE):
            break
