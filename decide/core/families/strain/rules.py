"""Programs that run into a limit of their own: heap, threads, file descriptors, connection pools.

Texts: HotSpot, V8, Go and Python runtimes; errno EMFILE and EAGAIN; HikariCP, DBCP, SQLAlchemy, Jedis, Prisma, Knex.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.startup.rules import suffering
from decide.core.families.strain.facts import Strained
from decide.core.findings import Fact, Finding, quote
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.workloads import Workload

_KINDS = (
    ("heap", "heap_exhausted"),
    ("threads", "threads_exhausted"),
    ("open_files", "file_descriptors_exhausted"),
    ("pool_exhausted", "connection_pool_exhausted"),
)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about what a program itself says it has run out of."""
    for workload in view.workloads:
        hits = view.hits(workload)
        sick = [c for _, c in suffering(workload)]
        for signal, class_id in _KINDS:
            told = [h for h in hits if h.signal == signal]
            if signal == "heap" and any(h.signal == "threads" for h in hits):
                # Java's OutOfMemoryError also tells of threads, and then not of the heap.
                told = [h for h in told if "native thread" not in h.line]
            if told:
                yield _finding(workload, class_id, told, sick)


def _finding(
    workload: Workload, class_id: str, told: list[SignalHit], sick: list[Container]
) -> Finding[Facts]:
    hit = told[-1]
    named = [c for c in sick if hit.container in ("", c.name)]
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=_score(class_id, named),
        detail=quote(hit.line),
        evidence=[
            Fact(source="log", statement=quote(h.line), object=workload.ref) for h in told[-2:]
        ],
        against=[] if named else [say("strain.ready_now")],
        facts=_facts(workload, class_id, hit.container or (named[0].name if named else "")),
    )


def _score(class_id: str, sick: list[Container]) -> float:
    """Belief: much where the container that says so suffers, little where the kernel killed it."""
    if not sick:
        return 0.55
    if class_id == "connection_pool_exhausted":
        return 0.8
    return 0.5 if any(c.terminated.get("exitCode") == 137 for c in sick) else 0.88


def _facts(workload: Workload, class_id: str, container: str) -> Facts:
    if class_id in ("heap_exhausted", "connection_pool_exhausted"):
        return Strained(workload=workload, container=container)
    return Facts(workload=workload)
