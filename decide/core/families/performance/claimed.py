"""Throttling that the alert itself measures, where no series of it was read. Pure.

The monitor saw the kernel hold the container back at its limit (``cpu.stat`` of its cgroup: nr_throttled, throttled_usec);
that the container has such a limit, its declaration tells. An alert that only speaks of throttling measured nothing that
was read here: unless the container was seen to use what it may, that is a question to a person, and no reason to change a
limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from decide.core import measure
from decide.core.drafting.containers import stated
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
    said = _said(view) if view.firing else ""
    found = _subjects(view) if said else []
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
    measured = said != "words"
    text = say(
        "performance.cpu.claimed" if measured else "performance.cpu.only_said", limits=limits
    )
    yield Finding(
        failure_class="cpu_throttling",
        object=workload.ref,
        score=_belief(said, full=_is_full(view, workload)),
        detail=text,
        evidence=[
            Fact(source="alert", statement=words, object=workload.ref),
            Fact(source="object", statement=text, object=workload.ref),
        ],
        facts=ShortOfCpu(workload=workload),
    )


def _said(view: ClusterView) -> Literal["", "rule", "metric", "words"]:
    """How the alert is about throttling: its rule measures it, its text names the metric, or it only speaks of it."""
    alert, monitor = view.bundle.alert, view.bundle.monitor
    rule = " ".join((alert.rule.metric, alert.rule.query, monitor.query if monitor else ""))
    if _METRIC.search(rule):
        return "rule"
    text = f"{alert.title}\n{alert.body}"
    if rule.strip() or not (_METRIC.search(text) or _WORDS.search(text)):
        return ""
    return "metric" if _METRIC.search(text) else "words"


#: Below what a plan is made for (``ranking.SURE``) also where the alert names the workload, and not below ``ranking.DOUBT``.
_ASKED = 0.565


def _belief(said: str, *, full: bool) -> float:
    if said == "rule":
        return 0.84
    return 0.74 if said == "metric" or full else _ASKED


def _is_full(view: ClusterView, workload: Workload) -> bool:
    """One of its containers was seen to use nearly all the CPU that it may."""
    for container in workload.containers():
        limit = stated(container, "limits", "cpu")
        most = max(measure.used(view, workload, "cpu", container.name).values, default=0.0)
        if limit is not None and most >= _NEARLY * limit:
            return True
    return False


#: Of its limit: a container that is held back in bursts uses less on average.
_NEARLY = 0.8


def _subjects(view: ClusterView) -> list[Workload]:
    """The workloads that the alert names, by its subject, its tags or its title."""
    subject = view.bundle.k8s_context.subject
    named = (
        [] if subject is None else [view.workload(subject.kind, subject.namespace, subject.name)]
    )
    if not any(named):
        named = [view.resolve(space, name) for space in view.focus for name in sorted(view.alerted)]
    return list({w.ref.key: w for w in named if w is not None}.values())
