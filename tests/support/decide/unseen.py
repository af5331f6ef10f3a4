"""Troubles of kinds for which there is no rule: made-up programs, operators, devices and measures.

Most have something about them that a rule knows and that is beside the point: a refused connection of a moment ago, a word
like "permission denied" about a customer, a warning that is over. The right answer is a person's, with what was seen.
``python -m tests.support.decide.unseen`` looks at them for the fit of confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from decide.core.confidence import signs
from decide.core.diagnosis import diagnose
from decide.core.makeup import Makeup, makeup, ranges
from decide.core.view import ClusterView
from schemas.context import ContextBundle
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster
from tools.evaluation import seen
from tools.evaluation.seen import Looked

#: Classes that say no more than what anybody sees.
_VAGUE = frozenset({"crash_code", "rollout_stuck", "error_rate_regression"})
NAME = "unseen kinds"
#: The made-up faults of the tests: where rules are at home.
HOME = "made-up faults"
Plant = Callable[[Cluster, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """One such trouble. ``true``: classes that would be right as far as they go, besides the vague ones."""

    plant: Plant
    title: str
    true: frozenset[str]


UNSEEN: dict[str, Unseen] = {}


def unseen(name: str, title: str = "Pods are not ready", *true: str) -> Callable[[Plant], Plant]:
    """Registers a trouble under a name."""

    def register(plant: Plant) -> Plant:
        UNSEEN[name] = Unseen(plant=plant, title=title, true=frozenset(true) | _VAGUE)
        return plant

    return register


def bundle_of(name: str, seed: int = 3) -> tuple[ContextBundle, str]:
    """The evidence of one trouble among four healthy applications, and the application that has it."""
    cluster = Cluster(seed)
    others = [cluster.app() for _ in range(4)]
    app = cluster.app()
    cluster.calls(app, others[0])
    UNSEEN[name].plant(cluster, app)
    found = cluster.bundle(app)
    alert = found.alert.model_copy(update={"title": UNSEEN[name].title.format(app=app)})
    return found.model_copy(update={"alert": alert}), app


def looked() -> Iterator[Looked]:
    """Every trouble for which the rules name a cause; where they name none, nothing is claimed."""
    for name, one in sorted(UNSEEN.items()):
        bundle, app = bundle_of(name)
        found = diagnose(bundle)
        first = found.findings[0]
        if first.kind.nature == "unknown":
            continue
        yield Looked(
            case=name,
            whole=True,
            signs=signs(first, found.findings, found.view),
            makeup=makeup(found.view),
            right=first.failure_class in one.true and first.object.name == app,
        )


def _port(c: Cluster, app: str) -> int:
    found: int = c.container(app)["ports"][0]["containerPort"]
    return found


# --- programs that end with a reason of their own


@unseen("a licence that has run out")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app, 3, "INFO reading configuration", "ERROR licence for site 7 ran out on 2026-05-01"
    )


@unseen("all seats of a licence server are taken")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 9, "FATAL checkout of feature CORE failed: all 20 seats are in use (-4,132)")


@unseen("a ledger that does not add up, after a refused connection")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "WARN dial tcp 10.2.2.2:4317: connect: connection refused, telemetry is off",
        "INFO 18233 postings read",
        "FATAL ledger out of balance by 0.01 EUR in book 2026-04, refusing to start",
    )


@unseen("a corrupt segment, after a customer's permission denied")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        4,
        "INFO refund 118: permission denied for customer 9921, asked the clerk",
        "ERROR segment 0042: stored digest differs from computed digest, giving up",
    )


@unseen("another number of shards than in the data")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        2,
        'level=warn msg="traces are dropped" err="x509: certificate signed by unknown authority"',
        "panic: shard count went from 8 to 12, data was written with 8",
    )


@unseen("an instance that still holds the lock")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app, 1, "ERROR instance blue-7 holds the lease on ring 3 until 14:31, not starting twice"
    )


@unseen("a region that the program does not serve")
def _(c: Cluster, app: str) -> None:
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "FailedScheduling",
        "0/3 nodes are available: 3 Insufficient cpu.",
    )
    c.crashed(app, 78, "ERROR region moon-1 is served by nobody")


@unseen("a picture that is not found, which is data")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "ERROR album 7: image not found: holiday.png",
        "FATAL retention rule 12 forbids an empty album",
    )


@unseen("a handle that is stale")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "ERROR Log directory /data/p0 failed: Stale file handle",
        "FATAL no directory is left",
    )


@unseen("a signal of the bus")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 135, "INFO mapping 512 pages of 2 MiB", reason="Error")


@unseen("an interpreter of the wrong build")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, "FATAL plug-in tax.so was built with another toolchain: want 7f3a got 99c1")


@unseen("a quorum that was lost")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        12,
        "ERROR raft: 1 of 3 voters reachable for 30s, stepping down",
        "FATAL term 88 ended without us",
    )


@unseen("an old kill for memory beside a new reason")
def _(c: Cluster, app: str) -> None:
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "OOMKilling",
        "Memory cgroup out of memory: Killed process 11 (helper)",
        1,
    )
    c.crashed(app, 64, "FATAL tariff table 2026Q3 has no row for zone 14")


@unseen("a name that did not resolve for a while, and another reason")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "WARN lookup stats.example.com on 10.96.0.10:53: no such host, sending nothing",
        "FATAL manifest of plug-ins is signed for another house",
    )


@unseen("an image that was once not there, and another reason")
def _(c: Cluster, app: str) -> None:
    pod, image = c.pod(app)["metadata"]["name"], c.container(app)["image"]
    c.event("Pod", pod, "Failed", f'Failed to pull image "{image}": {image}: not found', 1)
    c.crashed(app, 20, "FATAL warehouse 3 has two main doors, expected one")


@unseen("a volume that came late, and another reason")
def _(c: Cluster, app: str) -> None:
    pod = c.pod(app)["metadata"]["name"]
    c.event("Pod", pod, "FailedMount", 'MountVolume.SetUp failed for volume "seed" : timed out', 1)
    c.crashed(app, 33, "FATAL seed of draw 9 was used before")


@unseen("a database that was slow once, and another reason")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "WARN connection to server timed out, trying again",
        "INFO connected to the database",
        "FATAL tenant 77 is frozen by the back office",
    )


@unseen("a port that was taken for a moment, and another reason")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "WARN bind: address already in use, taking the next one",
        "FATAL calendar 2026 lacks a bank holiday",
    )


@unseen("a missing variable that has a default, and another reason")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "WARN environment variable TRACE_SHARE is not set, using 0.1",
        "FATAL robot arm 2 answered in inches",
    )


# --- programs that run and are not ready


@unseen("a cache that never gets warm", "Pods are not ready", "probe_answers_error")
def _(c: Cluster, app: str) -> None:
    c.container(app)["readinessProbe"] = {"httpGet": {"path": "/ready", "port": _port(c, app)}}
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 425",
    )
    c.log(
        app, "INFO warming: 12 of 96 feeds", "ERROR feed prices-eu has had no snapshot since 04:10"
    )
    c.stopped(app)


@unseen("a gate of a house's own controller")
def _(c: Cluster, app: str) -> None:
    pod = c.pod(app)
    pod["spec"]["readinessGates"] = [{"conditionType": "gate.example.com/approved"}]
    c.stopped(app)
    pod["status"]["conditions"] += [
        {
            "type": "gate.example.com/approved",
            "status": "False",
            "reason": "AuditPending",
            "message": "auditor has not signed",
        }
    ]


@unseen("a migration that waits for its lock")
def _(c: Cluster, app: str) -> None:
    c.log(
        app,
        "INFO waiting for the changelog lock, held by build-77 since 3 days",
        "ERROR changelog lock not released in 900 s",
    )
    c.stopped(app)


@unseen("threads that wait for each other")
def _(c: Cluster, app: str) -> None:
    c.container(app)["livenessProbe"] = {"httpGet": {"path": "/alive", "port": _port(c, app)}}
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "Unhealthy",
        "Liveness probe failed: context deadline exceeded",
    )
    c.log(app, "SEVERE pool-3 has been waiting for pool-5 and pool-5 for pool-3 for 61 s")
    c.status(app, restartCount=4, state={"running": {}})


@unseen("secrets that an agent does not render")
def _(c: Cluster, app: str) -> None:
    c.log(
        app,
        "ERROR agent: lease of transit/orders cannot be renewed: entity is disabled",
        "INFO waiting for /run/rendered",
    )
    c.stopped(app)


# --- the cluster, in words that nobody knows


@unseen("a plug-in of the scheduler")
def _(c: Cluster, app: str) -> None:
    c.unschedulable(
        app,
        "0/3 nodes are available: 3 node(s) rejected by plugin GangComplete: 2 of 5 members seen.",
    )


@unseen("a device that cannot be given", "Pods are not ready", "device_unavailable")
def _(c: Cluster, app: str) -> None:
    c.pod(app)["status"] = {
        "phase": "Failed",
        "reason": "UnexpectedAdmissionError",
        "message": "Pod was rejected: Allocate failed due to requested number of devices unavailable for example.com/fpga",
    }
    c.down(app)


@unseen(
    "a hook of the runtime",
    "Pods are not ready",
    "container_create_failed",
    "container_cannot_start",
)
def _(c: Cluster, app: str) -> None:
    c.waiting(
        app,
        "RunContainerError",
        "error running hook #2: exit status 1, stderr: accel-cli: driver 550 and library 560 do not fit",
    )


@unseen("an operator that has stalled")
def _(c: Cluster, app: str) -> None:
    c.event(
        "Deployment",
        app,
        "ReconcileStalled",
        "shard map of generation 9 is not acknowledged by 2 peers",
    )
    c.log(app, "ERROR shard map: generation 8 is fenced")
    c.stopped(app)


@unseen("an agent's own event on a pod", "Pods are not ready", "container_create_failed")
def _(c: Cluster, app: str) -> None:
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "AttestationRejected",
        "quote of enclave does not match policy 14",
    )
    c.waiting(app, "CreateContainerError", "sealed environment is not released: attestation")


# --- everything is ready


def _ready(c: Cluster, app: str, *lines: str) -> None:
    c.log(app, *lines)


@unseen("tokens from the future", "{app}: error rate above threshold")
def _(c: Cluster, app: str) -> None:
    _ready(c, app, *["ERROR token used 340 s before it was issued (clock of issuer)"] * 5)


@unseen("a partner who wants money", "{app}: error rate above threshold")
def _(c: Cluster, app: str) -> None:
    _ready(c, app, *["ERROR partner answered 402: account is in arrears"] * 5)


@unseen("a backlog of a house's own measure", "custom.backlog of {app} is above 10000")
def _(c: Cluster, app: str) -> None:
    c.series("custom.backlog", [10.0] * 30 + [15000.0] * 30, service=app)


@unseen("a law against it", "{app}: error rate above threshold")
def _(c: Cluster, app: str) -> None:
    _ready(c, app, *["ERROR GET /book/77 451 blocked by order 9"] * 5)


@unseen("a price that is stale", "Synthetic check of {app} fails")
def _(c: Cluster, app: str) -> None:
    _ready(c, app, "ERROR price of SKU-4 is 31 h old, page shows no offer")


def usual() -> Iterator[Makeup]:
    """What the made-up faults that rules were written with are made of."""
    for fault in FAULTS.values():
        cluster = Cluster(21)
        *_, app = (cluster.app() for _ in range(5))
        fault(cluster, app)
        yield makeup(ClusterView(cluster.bundle(app)))


def main() -> None:
    """Writes what the rules answer, for the fit."""
    made = ranges(list(usual()))
    store = seen.stored()
    others = {**store.collections, HOME: replace(store.collections[HOME], made_of=made)}
    seen.write(seen.with_cases(seen.Store(others, store.seen), {NAME: list(looked())}))


if __name__ == "__main__":
    main()
