"""Every record of every topic is kept; the door shows them."""

from __future__ import annotations

from console.ports import ConsolePorts
from console.wiring import open_ports
from kfix.engine import topics
from kfix.engine.runtime.stage import Asgi, Publisher, Stage
from kfix.engine.topics import Topic
from schemas.base import Record


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
