"""Slowness: steps of metrics at the edges of what counts, what an alert lists, who calls whom on which node."""

from __future__ import annotations

from tests.support.decide.clusters import Cluster
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import (
    anomaly,
    beside,
    cpu_limit,
    level,
    on_node,
    stepping,
    unlimited,
)

_FAMILY = "performance"


def _latency(before: float, after: float, told: str) -> None:
    @scene(_FAMILY, f"latency from {before} to {after} ms {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        stepping(c, app, latency=(before, after))


_latency(10, 18, "has not nearly doubled")
_latency(10, 18.1, "has nearly doubled")
_latency(5, 10, "is noise still")
_latency(5, 10.1, "is noise no more")
_latency(0, 6, "came out of nothing")
_latency(0, 0, "is none at all")
_latency(90, 20, "became better")


def _cpu(before: float, after: float, limit: str, told: str) -> None:
    @scene(_FAMILY, f"cpu from {before} to {after} at a limit of {limit} {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        cpu_limit(c, app, limit)
        stepping(c, app, cpu=(before, after))


_cpu(0.7, 0.79, "1", "has some left")
_cpu(0.7, 0.8, "1", "is full")
_cpu(0.7, 0.8, "1100m", "has some left by a tenth of a core")
_cpu(0.27, 0.81, "1", "is three times as much")
_cpu(0.25, 0.85, "1", "is more than three times as much")
_cpu(0, 0.03, "30m", "rose by noise")
_cpu(0, 0.031, "30m", "rose by more than noise")
_cpu(0, 0.5, "0", "is not known to be full")
_cpu(0, 0.5, "much", "is not known to be full either")
_cpu(0.9, 0.9, "1", "was full before")


def _throttled(before: float, after: float, told: str) -> None:
    @scene(_FAMILY, f"throttling from {before} to {after} s {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        stepping(c, app, throttled=(before, after))


_throttled(0.5, 1.0, "has only doubled")
_throttled(0.5, 1.01, "has more than doubled")
_throttled(0, 0.05, "is noise")
_throttled(0, 0.06, "appeared")


def _periods(throttled: float, told: str) -> None:
    @scene(_FAMILY, f"{throttled} of ten scheduling periods are throttled, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        level(c, "kubernetes.cpu.cfs.throttled.periods", throttled, kube_deployment=app)
        level(c, "kubernetes.cpu.cfs.periods", 10.0, kube_deployment=app)


_periods(2, "no more than a fifth")
_periods(2.1, "more than a fifth")


@scene(_FAMILY, "everything speaks for throttling: throttled, full, jumped, slow")
def _(c: Cluster, app: str) -> None:
    cpu_limit(c, app, "1")
    stepping(c, app, cpu=(0.1, 0.95), throttled=(0.0, 4.0), latency=(10, 100))


@scene(_FAMILY, "two containers share a pod whose limit is the sum of theirs")
def _(c: Cluster, app: str) -> None:
    cpu_limit(c, app, "500m")
    beside(c, app)["resources"] = {"limits": {"cpu": "500m"}}
    stepping(c, app, cpu=(0.5, 0.8))


@scene(_FAMILY, "a sidecar without a limit leaves the pod without one")
def _(c: Cluster, app: str) -> None:
    beside(c, app)
    stepping(c, app, cpu=(0.1, 0.9), throttled=(0, 1), latency=(10, 100))


@scene(_FAMILY, "the alert alone tells of cpu, in many sentences")
def _(c: Cluster, app: str) -> None:
    cpu_limit(c, app, "1")
    anomaly(
        c,
        app,
        "CPU usage went from 0.1 cores -> 0.95 cores",
        "CFS throttling 0 s to 3 s",
        "p95 latency 10 ms → 80 ms, of the slowest 1000 ms → 1900 ms",
        "memory 10 MiB -> 11 MiB",
        "error rate 1 % -> 2 %",
        "throughput 10 req/s to 9 req/s",
        "it hurts",
    )


@scene(_FAMILY, "the alert says that things are bad, and no number")
def _(c: Cluster, app: str) -> None:
    anomaly(
        c,
        app,
        "p99 latency is high",
        "CFS throttling seen",
        "CPU busy",
        "response time ... -> .. ms",
    )


@scene(_FAMILY, "the alert says without numbers what metrics measured")
def _(c: Cluster, app: str) -> None:
    stepping(c, app, latency=(10, 50), cpu=(0.1, 0.11))
    anomaly(c, app, "latency is high", "cpu is high", "traffic from 5 to 7 req/s")


@scene(_FAMILY, "what the alert lists has no name, no list, or no object that anybody knows")
def _(c: Cluster, app: str) -> None:
    anomaly(c, "", "latency 10 -> 100")
    anomaly(c, app, evidence="latency 10 -> 100")
    anomaly(c, "nobody", "latency 10 -> 100", "cpu 0 -> 9", "throttling 0 -> 9")
    c.anomalies.append("not json")


@scene(_FAMILY, "what the alert says of a slow workload is no list of sentences")
def _(c: Cluster, app: str) -> None:
    stepping(c, app, latency=(10, 60), throttled=(0, 2))
    anomaly(c, app, evidence="latency 10 -> 100")


@scene(_FAMILY, "a node that the alert calls one is no service, whatever its name")
def _(c: Cluster, app: str) -> None:
    anomaly(c, app, "cpu 0.1 -> 0.9", "latency 10 -> 100", type="Node")


@scene(_FAMILY, "of two measures of one thing the larger change counts, whichever comes first")
def _(c: Cluster, app: str) -> None:
    for metric, after in (("p50latency", 21.0), ("p95latency", 90.0), ("p90latency", 60.0)):
        level(c, f"service.{metric}", 10.0, after, service=app)
    level(c, "trace.http.request.duration", 0.2, 0.25, service=app)


@scene(_FAMILY, "series that are too short, of nobody, of elsewhere, or of what is configured")
def _(c: Cluster, app: str) -> None:
    c.series("service.p95latency", [10.0] * 3 + [90.0] * 4, service=app)
    level(c, "service.p95latency", 10, 95)
    level(c, "service.p95latency", 10, 96, service=app, kube_namespace="elsewhere")
    level(c, "kubernetes.cpu.limits", 0.1, 0.9, kube_deployment=app)
    level(c, "of.somebody", 10, 97, service=app)


@scene(_FAMILY, "eight samples are enough")
def _(c: Cluster, app: str) -> None:
    c.series("service.p95latency", [10.0] * 4 + [90.0] * 4, service=app)


@scene(_FAMILY, "a series with gaps, a ramp and a peak that is over")
def _(c: Cluster, app: str) -> None:
    ramp = [None if n % 7 == 3 else 10.0 + n for n in range(60)]
    c.series("service.p95latency", ramp, service=app)  # type: ignore[arg-type]
    c.series("service.cpu", [0.1] * 20 + [0.19] * 5 + [0.1] * 35, service=app)
    c.series("service.cpu_cfs", [0.0] * 50 + [3.0] * 10, service=app)


@scene(_FAMILY, "the Service's name stands for the workload behind it")
def _(c: Cluster, app: str) -> None:
    c.get("services", app)["metadata"]["name"] = "front"
    stepping(c, "front", latency=(10, 50))


@scene(_FAMILY, "no object was collected: the measured name stands for a workload")
def _(c: Cluster, app: str) -> None:
    for objects in c.objects.values():
        objects.clear()
    stepping(c, "front", latency=(10, 50), cpu=(0.1, 0.9), throttled=(0, 2))
    stepping(c, "back", latency=(10, 40))


def _node_rises(first: float, second: float, told: str) -> None:
    @scene(_FAMILY, f"retransmissions rise by {first} and {second}: {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        for node, rise in zip(c.nodes, (second, first), strict=False):
            level(c, "node.tcp_retrans", 1.0, 1.0 + rise, host=node)


_node_rises(1.0, 0, "too few")
_node_rises(1.25, 0, "one node loses packets")
_node_rises(3.0, 1.0, "not much more than elsewhere")
_node_rises(3.5, 1.0, "much more than elsewhere")
_node_rises(-1.0, -0.5, "fewer than before")


@scene(_FAMILY, "a node of the cluster that the metrics do not call one loses packets")
def _(c: Cluster, app: str) -> None:
    anomaly(c, c.nodes[1], "TCP retransmissions 0 -> 9")
    anomaly(c, app, "TCP retransmissions 0 -> 50")


@scene(_FAMILY, "one node of one loses packets, and a pod there is slow")
def _(c: Cluster, app: str) -> None:
    level(c, "node.tcp_retrans", 0.0, 1.5, host=on_node(c, app, 2))
    stepping(c, app, latency=(10, 50))


def _disturbed(rise: float, told: str) -> None:
    @scene(_FAMILY, f"one slow pod on a node with {rise} retransmissions more: {told}")
    def _(c: Cluster, app: str) -> None:
        level(c, "node.tcp_retrans", 0.0, rise, host=on_node(c, app, 1))
        stepping(c, app, latency=(10, 50))


_disturbed(0.3, "its own network")
_disturbed(0.4, "maybe the node's")
_disturbed(2.0, "maybe the node's, few lost")
_disturbed(2.5, "the node loses packets rather than time")


def _together(count: int, told: str) -> None:
    @scene(_FAMILY, f"{count} workloads of one node are slow together, {told}", varied=count == 3)
    def _(c: Cluster, app: str) -> None:
        slow = [app, *(c.app() for _ in range(count - 1))]
        for n, name in enumerate(slow):
            on_node(c, name, 1)
            stepping(c, name, latency=(10, 50 + n))
        for n in range(6 - count):
            stepping(c, c.app(), latency=(10, 10 + n), rps=(5, 6))


_together(2, "four more are measured")
_together(3, "three more are measured")
_together(4, "two more are measured")
_together(5, "one more is measured")
_together(6, "and no other is measured")


@scene(_FAMILY, "two workloads of different nodes are slow, one pod has no node")
def _(c: Cluster, app: str) -> None:
    other = c.app()
    on_node(c, app, 0)
    c.pod(other)["spec"].pop("nodeName")
    stepping(c, app, latency=(10, 60))
    stepping(c, other, latency=(10, 90))


@scene(_FAMILY, "three workloads of three nodes are slow and nobody knows who calls whom")
def _(c: Cluster, app: str) -> None:
    for n, name in enumerate((app, c.app(), c.app())):
        on_node(c, name, n)
        stepping(c, name, latency=(10, (40, 90, 60)[n]))


@scene(_FAMILY, "callers only follow: a chain of four, and a caller that is not slow")
def _(c: Cluster, app: str) -> None:
    first, second, third, calm = c.app(), c.app(), c.app(), c.app()
    for caller, callee in ((first, second), (second, third), (third, app), (calm, app)):
        c.calls(caller, callee)
    for n, name in enumerate((first, second, third, app)):
        stepping(c, name, latency=(10, 100 + n))
    stepping(c, calm, latency=(10, 11))
    stepping(c, app, rps=(5, 6), network_transmit=(10, 100))
    anomaly(c, app, "p90 latency 10 ms -> 103 ms", "slow", "p50 10 -> 20", "response time bad")


@scene(
    _FAMILY, "the slow one calls another that is slow for want of cpu, through one that is not slow"
)
def _(c: Cluster, app: str) -> None:
    middle, busy = c.app(), c.app()
    c.calls(app, middle)
    c.calls(middle, busy)
    stepping(c, app, latency=(10, 60))
    stepping(c, busy, latency=(10, 50), cpu=(0.02, 0.19), throttled=(0, 2))


@scene(_FAMILY, "three that call each other in a ring are slow")
def _(c: Cluster, app: str) -> None:
    ring = [app, c.app(), c.app()]
    for n, name in enumerate(ring):
        c.calls(name, ring[n - 1])
        stepping(c, name, latency=(10, 50 + n), network_transmit=(1, 2))


def _busy(before: float, after: float, told: str) -> None:
    @scene(_FAMILY, f"slow, without limit, its cpu from {before} to {after}: {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        unlimited(c, app)
        stepping(c, app, latency=(10, 50), cpu=(before, after))


_busy(0.25, 0.75, "three times as busy is not enough")
_busy(0.25, 0.8, "busy")
_busy(0, 0.05, "hardly busy")
_busy(0, 0.06, "busier out of nothing")


def _slow_at_limit(after: float, limit: str, told: str) -> None:
    @scene(_FAMILY, f"slow, with {after} cores at a limit of {limit}, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        cpu_limit(c, app, limit)
        stepping(c, app, latency=(10, 50), cpu=(0.7, after))


_slow_at_limit(0.79, "1", "its cpu does not explain it")
_slow_at_limit(0.8, "1", "its cpu explains it")
