"""Names of trace metrics, and which of a service's operations are the requests that come into it."""

from __future__ import annotations

import pytest

from kfix.incident.metrics import metric_of, rank
from kfix.incident.traces import inbound, operations_in
from schemas.context import Series


@pytest.mark.parametrize(
    ("name", "meaning", "asked"),
    [
        ("trace.grpc.server.hits", "requests", True),
        ("trace.grpc.server.errors", "errors", True),
        ("trace.grpc.server", "latency", True),
        ("trace.grpc.server.duration", "latency", False),
        ("trace.grpc.server.hits.by_http_status", "requests", False),
        ("trace.grpc.server.hits.by.resource_service", "requests", False),
        ("trace.grpc.server.errors.by.service", "errors", False),
        ("trace.grpc.server.duration.by.resource_service.99p", "latency", False),
        ("trace.grpc.server.apdex", None, False),
        ("trace.grpc.server.apdex.by.service", None, False),
        ("trace.grpc.server.span_count", None, False),
        ("tracer.grpc.server.hits", None, False),
    ],
)
def test_a_trace_metric_means_what_its_last_words_say(
    name: str, meaning: str | None, asked: bool
) -> None:
    found = metric_of(Series(metric=name))
    assert (found.meaning if found else None) == meaning
    assert bool(found and found.asked) is asked


def test_the_distribution_says_more_of_latency_than_the_sum_of_durations() -> None:
    assert rank("trace.web.request") < rank("trace.web.request.duration")


@pytest.mark.parametrize(
    ("operations", "found"),
    [
        (["servlet.request", "http.request", "postgresql.query"], ("servlet.request",)),
        (["grpc.server", "grpc.client", "redis.command"], ("grpc.server",)),
        (["http.request", "dns.lookup"], ("http.request",)),
        (["http.server.request", "express.request"], ("http.server.request",)),
        (["kafka.consume", "kafka.produce"], ("kafka.consume",)),
        (["rails.action_controller", "rack.request"], ("rack.request",)),
        (["postgresql.query", "redis.command"], ()),
        ([], ()),
    ],
)
def test_calls_of_others_are_not_taken_for_requests_that_come_in(
    operations: list[str], found: tuple[str, ...]
) -> None:
    names = [f"trace.{one}{suffix}" for one in operations for suffix in ("", ".hits", ".errors")]
    assert inbound([*names, "kubernetes.cpu.usage.total", "trace.web.request"]) == found


def test_a_query_with_many_operations_gives_a_few() -> None:
    query = " + ".join(f"sum:trace.o{n}.request.hits{{*}}" for n in range(20))
    assert len(operations_in(query)) == 4
