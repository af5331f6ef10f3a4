"""Throttling that the alert itself measures, where no series of it was read. Pure.

The monitor saw the kernel hold the container back at its limit (``cpu.stat`` of its cgroup: nr_throttled, throttled_usec);
that the container has such a limit, its declaration tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core import measure
from decide.core.families.performance.facts import ShortOfCpu
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at
from manifests.objects.workloads import Workload

#: A metric of throttling: ``kubernetes.cpu.cfs.throttled.periods``, ``container_cpu_cfs_throttled_seconds_total``, …
_METRIC = re.compile(
    r"cfs[._]throttled|cpu[._]throttled|cpu_cfs\b|throttled_(?:periods|seconds|usec)", re.I
)
_WORDS = re.compile(
    r"\bcpu\b[^.\n]{0,40}throttl|throttl[^.\n]{0,40}\bcpu\b|\bcfs\b[^.\n]{0,20}throttl", re.I
)


def find(view: ClusterView) -> Iterator[Finding[ShortOfCpu]]:
    """The alert's one workload, where the alert measures throttling, a CPU limit stands, and no series says otherwise."""
    belief = _belief(view) if view.firing else 0.0
    found = _subjects(view) if belief else []
    if len(found) != 1 or measure.usage(view, found[0], "throttled"):
        return  # what was measured is judged by its own rule
    (workload,) = found
    limits = [
        f"{c.name} {limit}"
        for c in workload.containers()
        if (limit := at(c.spec, "resources", "limits", "cpu")) is not None
    ]
    if not limits:
        return
    alert = view.bundle.alert
    words = quote(alert.rule.query or alert.title)
    text = say("performance.cpu.claimed", limits=limits)
    yield Finding(
        failure_class="cpu_throttling",
        object=workload.ref,
        score=belief,
        detail=text,
        evidence=[
            Fact(source="alert", statement=words, object=workload.ref),
            Fact(source="object", statement=text, object=workload.ref),
        ],
        facts=ShortOfCpu(workload=workload),
    )


def _belief(view: ClusterView) -> float:
    """How sure the alert is about throttling: by its measure, by its words; 0 where it is about something else."""
    alert, monitor = view.bundle.alert, view.bundle.monitor
    rule = " ".join((alert.rule.metric, alert.rule.query, monitor.query if monitor else ""))
    if _METRIC.search(rule):
        return 0.84
    return 0.74 if not rule.strip() and _WORDS.search(f"{alert.title}\n{alert.body}") else 0.0


def _subjects(view: ClusterView) -> list[Workload]:
    """The workloads that the alert names, by its subject, its tags or its title."""
    subject = view.bundle.k8s_context.subject
    named = (
        [] if subject is None else [view.workload(subject.kind, subject.namespace, subject.name)]
    )
    if not any(named):
        named = [view.resolve(space, name) for space in view.focus for name in sorted(view.alerted)]
    return list({w.ref.key: w for w in named if w is not None}.values())
