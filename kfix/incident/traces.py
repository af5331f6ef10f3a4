"""Datadog's trace metrics: their names, and by which operation requests come into a service. Pure.

``trace.<operation>`` is the distribution of an operation's latency, ``trace.<operation>.hits`` and ``.errors`` count its spans,
``.apdex`` and ``.duration`` (the total time of all spans) are gauges; further words say what they are broken down by
(https://docs.datadoghq.com/tracing/metrics/metrics_namespace/). They have the tags ``env``, ``service``, ``version``,
``resource_name`` and those of hosts, and none of pods or workloads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: More operations of one service than this are not asked for.
MOST = 4
_NAME = re.compile(
    r"trace\.(?P<operation>[a-z]\w*(?:\.\w+)*?)"
    r"(?:\.(?P<suffix>hits|errors|apdex|duration|span_count)(?P<by>\.by[._].+)?)?"
)
_METRIC = re.compile(r"(?<![\w.])(trace\.[a-z][\w.]*)\s*\{")
_SPANS = re.compile(r"operation_name:\"?([a-z][\w.]*)")
#: How the tracing libraries call the operation by which a request comes in, the surest first. Of ``http.request`` they mean
#: both sides: in Go and Node.js the server's, in Python and Java the client's.
_INBOUND = (
    re.compile(r"(?:http\.)?server\.request|grpc\.server(?:\.request)?"),
    re.compile(
        r"(?:web|servlet|rack|wsgi|asgi|django|flask|fastapi|starlette|tornado|pyramid|bottle|falcon|sanic|aiohttp"
        r"|express|fastify|koa|hapi|next|restify|laravel|symfony|akka_http|play|netty|undertow\w*|vertx|spring"
        r"|aspnet|aspnet_core|gin|echo|fiber|chi|mux)\.(?:\w+\.)?(?:request|handler|handle)"
    ),
    re.compile(r"rails\.action_controller|http\.request"),
    re.compile(
        r"(?:kafka|amqp|rabbitmq|sqs|aws\.sqs|pubsub|celery|sidekiq)\.(?:consume|process|run|job)"
    ),
)


@dataclass(frozen=True, slots=True)
class TraceMetric:
    """A trace metric's name in its parts. ``suffix`` empty: the distribution of latency. ``whole``: not broken down."""

    operation: str
    suffix: str
    whole: bool


def trace_metric(name: str) -> TraceMetric | None:
    """The parts of a metric's name; ``None`` where it is no trace metric's."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return TraceMetric(found["operation"], found["suffix"] or "", not found["by"])


def operations_in(query: str) -> tuple[str, ...]:
    """The operations that a monitor's query watches, each once: of its trace metrics, or of its search for spans."""
    metrics = (trace_metric(name) for name in _METRIC.findall(query))
    named = [metric.operation for metric in metrics if metric is not None]
    return tuple(dict.fromkeys([*named, *_SPANS.findall(query)]))[:MOST]


def inbound(names: Iterable[str]) -> tuple[str, ...]:
    """Of a service's metrics the operation by which requests come in; none where no name tells.

    A service's calls of others have trace metrics too: counted with them, what it is asked would be more than it is.
    """
    metrics = (trace_metric(name) for name in names)
    operations = sorted({m.operation for m in metrics if m is not None and m.suffix == "hits"})
    ranked = ([one for one in operations if form.fullmatch(one)] for form in _INBOUND)
    return next((tuple(found[:MOST]) for found in ranked if found), ())
