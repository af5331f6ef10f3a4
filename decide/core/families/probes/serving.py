"""What is seen of where a program serves: its own words at its start, and its probes that succeed. Pure.

Formats: Spring Boot, Micronaut, Quarkus, Kestrel, gunicorn, uvicorn, Flask, Node, Go, Redis, PostgreSQL, MySQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from decide.core.families.probes.asking import PROBES, patience_s
from decide.core.families.probes.facts import Probe
from decide.core.signals import LAST_LINES, LINE
from decide.core.view import ClusterView
from manifests.objects.pods import Container
from manifests.objects.shapes import at, mapping
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

_SERVES = re.compile(
    r"(?i)\b(?:listening|serving|bound to|running (?:on|at|mode)|ready (?:for|to accept) connections|"
    r"(?:server|tomcat|jetty|netty|undertow|uvicorn|kestrel|app|application|service|api)"
    r"(?: is)?(?: now)? (?:running|started|initialized|ready|up)|"
    r"start(?:ed|ing) (?:\w+ ){0,2}(?:server )?(?:on|at))\b"
)
_PORT = re.compile(
    r"(?i)(?:\bport\(s\)\W{1,6}|\b(?:ports?|addr|address)\b\W{1,6}|://(?:\[[^\]\s]*\]|[^\s/:\[]*):|"
    r"(?<![\d.])0\.0\.0\.0:|\[?::\]?:|\*:|(?<=[\s=\"']):|\b(?:on|at) )(?P<port>\d{2,5})(?![\d.:])"
)
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|\[::1\]):\d")
_FAILED = re.compile(r"(?i)\b(?:error|fail\w*|cannot|unable|in use|EADDRINUSE|refused|disabled)\b")
_STARTED = re.compile(
    r"(?i)\b(?:started|startup complete(?:d)?|ready)\b[^\r\n]{0,80}?\bin (?P<n>\d{1,6}(?:\.\d+)?) ?"
    r"(?P<unit>ms|milliseconds|s|sec|seconds)\b"
)
#: Ports below are those of well-known programs; other short numbers are counts and times.
_SHORT = frozenset({80, 443})


def _lines(view: ClusterView, workload: Workload, container: Container) -> Iterator[str]:
    for log in view.logs_of(workload):
        if log.container in ("", container.name):
            yield from (line[:LINE] for line in log.lines[-LAST_LINES:])


def said_ports(view: ClusterView, workload: Workload, container: Container) -> frozenset[int]:
    """Every port at which the container's program says that it serves others than itself."""
    found: set[int] = set()
    for line in _lines(view, workload, container):
        serves = _SERVES.search(line)
        if serves is None or _FAILED.search(line) or _LOOPBACK.search(line):
            continue
        port = _PORT.search(line, serves.start())
        number = int(port["port"]) if port is not None else 0
        if number in _SHORT or 1000 <= number < 65536:
            found.add(number)
    return frozenset(found)


def started_s(view: ClusterView, workload: Workload, container: Container) -> float | None:
    """The longest that the program says its start took, in seconds; ``None`` where it says nothing."""
    found = [_STARTED.search(line) for line in _lines(view, workload, container)]
    told = [float(m["n"]) / (1000 if m["unit"].startswith("m") else 1) for m in found if m]
    return max(told, default=None)


def succeeding(
    view: ClusterView, workload: Workload, container: Container, failing: frozenset[Probe]
) -> frozenset[Probe]:
    """The container's probes that are seen to succeed: none that was only never asked."""
    running = [c for pod in workload.pods for c in pod.containers() if c.name == container.name]
    ready = any(one.ready for one in running)
    longest = max((_runs(view, one) for one in running), default=timedelta())
    seen: set[Probe] = set()
    for name in PROBES:
        spec = mapping(container.spec.get(f"{name}Probe"))
        if not spec or name in failing:
            continue
        asked = longest > timedelta(seconds=2 * patience_s(spec))
        if ready if name != "liveness" else asked:
            seen.add(name)
    return frozenset(seen)


def _runs(view: ClusterView, container: Container) -> timedelta:
    """For how long the container has run."""
    since = instant(at(container.status, "state", "running", "startedAt"))
    return view.bundle.alerted_at - since if since is not None else timedelta()
