"""The stage: no subscriptions, one door."""

from __future__ import annotations

from ingest.ports import IngestPorts
from ingest.wiring import open_ports
from kfix.engine.runtime.stage import Asgi, Publisher, Stage


def build_app(ports: IngestPorts, publisher: Publisher) -> Asgi:
    """The door's application. FastAPI is imported here: other commands have no use for it."""
    from ingest.adapters.http import create_app

    return create_app(ports, publisher)


def listen(ports: IngestPorts) -> tuple[str, int]:
    """Where the door listens."""
    return ports.settings.host, ports.settings.port


app = Stage("ingest", ports=open_ports, http=build_app, listen=listen)
