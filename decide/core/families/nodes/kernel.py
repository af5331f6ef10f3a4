"""Limits of a node's kernel that a program runs into: no manifest of the program raises them.

Sources: inotify(7), proc(5) (``fs.file-max``), kernel.org networking/nf_conntrack-sysctl, cgroup-v2 ``pids.max``,
elastic.co "Bootstrap checks"; the lines of the programs stand in ``docs/signals.md``.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.startup.rules import suffering
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.workloads import Workload

#: The signal in a program's log, and the class that it tells.
_TOLD = (
    ("map_count_limit", "node_map_count_limit"),
    ("inotify_limit", "node_inotify_limit"),
    ("system_files_limit", "node_open_files_limit"),
    ("pid_limit", "node_pid_limit"),
    ("conntrack_limit", "node_conntrack_limit"),
)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """The first limit of the kernel that each workload's own log names."""
    for workload in view.workloads:
        hits = view.hits(workload)
        for signal, class_id in _TOLD:
            line = next((h.line for h in reversed(hits) if h.signal == signal), "")
            if line:
                yield _finding(workload, class_id, line)
                break


def _finding(workload: Workload, class_id: str, line: str) -> Finding[Facts]:
    sick = {pod.name: pod for pod, _ in suffering(workload)}
    nodes = sorted({pod.node for pod in sick.values() or workload.pods if pod.node})
    told = say("nodes.kernel.where", nodes=nodes) if nodes else ""
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=0.96 if sick else 0.62,
        detail=quote(line),
        evidence=[
            Fact(source="log", statement=quote(line), object=workload.ref),
            *([Fact(source="object", statement=told)] if told else []),
        ],
        against=[] if sick else [say("strain.ready_now")],
        facts=Facts(workload=workload),
    )
