"""Programs that run into a limit of their own: heap, threads, file descriptors, connection pools.

Texts: HotSpot, V8, Go and Python runtimes; errno EMFILE and EAGAIN; HikariCP, DBCP, SQLAlchemy, Jedis, Prisma, Knex.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.startup.rules import suffering
from decide.core.findings import Fact, Finding, quote
from decide.core.signals import Hit
from decide.core.view import ClusterView
from manifests.objects.pods import Container
from manifests.objects.workloads import Workload

_KINDS = (
    ("heap", "heap_exhausted"),
    ("threads", "threads_exhausted"),
    ("open_files", "file_descriptors_exhausted"),
    ("pool_exhausted", "connection_pool_exhausted"),
)


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about what a program itself says it has run out of."""
    for workload in view.workloads:
        hits = view.hits(workload)
        sick = [c for _, c in suffering(workload)]
        threads = any(h.signal == "threads" for h in hits)
        for signal, class_id in _KINDS:
            told = [
                h
                for h in hits
                if h.signal == signal
                and not (threads and signal == "heap" and "native thread" in h.line)
            ]
            if told:
                yield _finding(workload, class_id, told, sick)


def _finding(workload: Workload, class_id: str, told: list[Hit], sick: list[Container]) -> Finding:
    hit = told[-1]
    named = [c for c in sick if hit.container in ("", c.name)]
    killed = any(c.terminated.get("exitCode") == 137 for c in named)
    score = 0.55 if not named else 0.88 if not killed else 0.5
    if class_id == "connection_pool_exhausted" and named:
        score = 0.8
    facts = [Fact(source="log", statement=quote(h.line), object=workload.ref) for h in told[-2:]]
    against = [] if named else ["its pods are ready now"]
    container = hit.container or (named[0].name if named else "")
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=score,
        detail=quote(hit.line),
        evidence=facts,
        against=against,
        facts={"workload": workload, "container": container},
    )
