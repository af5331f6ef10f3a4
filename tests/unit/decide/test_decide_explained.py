"""What a cause accounts for: its own mechanism, what it quotes, what follows by itself; the rest is printed and counts."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.deciding import diagnose
from decide.core.explained import Trouble, troubles, unexplained, weigh
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from schemas.base import ObjectRef
from tests.support.decide.clusters import Cluster
from tests.support.decide.views import finding


class Scene:
    """A made-up cluster and the application in trouble."""

    def __init__(self) -> None:
        self.cluster = Cluster(5)
        self.cluster.app()
        self.app = self.cluster.app()
        self.pod = self.cluster.pod(self.app)["metadata"]["name"]

    @property
    def ref(self) -> ObjectRef:
        """The application's Deployment."""
        return ObjectRef(kind="Deployment", namespace=self.cluster.namespace, name=self.app)

    def left(self, first: Finding, *others: Finding) -> list[str]:
        """What the first finding leaves unexplained."""
        view = ClusterView(self.cluster.bundle(self.app))
        return [one.text for one in unexplained(view, first, [first, *others])]

    def seen(self) -> list[Trouble]:
        """All that went wrong."""
        view = ClusterView(self.cluster.bundle(self.app))
        return troubles(view, finding("oom_killed", self.ref, 0.9))


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("started", [True, False])
def test_a_pull_that_failed_is_over_once_the_program_was_started(
    scene: Scene, started: bool
) -> None:
    said = 'Failed to pull image "registry.example/x:1": connection reset'
    scene.cluster.event("Pod", scene.pod, "Failed", said)
    died = {"terminated": {"exitCode": 2, "reason": "Error"}}
    status = scene.cluster.pod(scene.app)["status"]
    status["conditions"] = [{"type": "Ready", "status": "False"}]
    status["containerStatuses"][0] |= {
        "ready": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff" if started else "ImagePullBackOff"}},
        "lastState": died if started else {},
    }
    assert (said in [one.text for one in scene.seen()]) is not started


def test_a_healthy_application_has_no_trouble_although_its_pod_once_waited(scene: Scene) -> None:
    scene.cluster.event("Pod", scene.pod, "FailedScheduling", "0/3 nodes are available")
    scene.cluster.event("Pod", scene.pod, "Unhealthy", "Readiness probe failed: EOF")
    scene.cluster.event("Deployment", scene.app, "ReplicaSetCreateError", "try again")
    assert scene.seen() == []


def test_a_pause_and_what_only_follows_are_nobodys_trouble(scene: Scene) -> None:
    scene.cluster.crashed(scene.app, 1)
    scene.cluster.event("Pod", scene.pod, "BackOff", "Back-off restarting failed container")
    scene.cluster.event("Pod", scene.pod, "Failed", "Error: ImagePullBackOff")
    scene.cluster.event("Pod", scene.pod, "FailedScheduling", "before it was placed")
    assert scene.seen() == []


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("FATAL the ledger is out of balance, refused", True),
        ("2026-05-04 ERROR cannot open segment 7", True),
        ("panic: unexpected shard 8", True),
        ("java.lang.IllegalStateException: no such tariff", True),
        ('level=warn msg="failed to send"', False),
        ("INFO error budget: 0 errors", False),
        ('{"severity":"info","message":"Tracing temporarily unavailable"}', False),
        ("<bf> { bf-error-rate : 0.01 }", False),
        ("listening on 8080", False),
    ],
)
def test_a_line_counts_where_its_program_calls_it_an_error(
    scene: Scene, line: str, counts: bool
) -> None:
    scene.cluster.crashed(scene.app, 1, line)
    assert [one.text for one in scene.seen()] == ([line] if counts else [])


def test_a_trouble_is_one_however_often_it_is_told(scene: Scene) -> None:
    lines = [f"12:00:{n:02} ERROR request {n * 7919} failed" for n in range(20)]
    scene.cluster.crashed(scene.app, 1, *lines)
    assert len(scene.seen()) == 1


def test_a_cause_claims_what_its_class_looks_like(scene: Scene) -> None:
    scene.cluster.crashed(scene.app, 137, reason="OOMKilled")
    assert scene.left(finding("oom_killed", scene.ref, 0.9)) == []
    assert scene.left(finding("database_port_wrong", scene.ref, 0.9)) == [""]


def test_a_cause_claims_what_it_quotes_and_what_names_the_same(scene: Scene) -> None:
    line = "ERROR cannot reach ledger-db.books:5432, refused"
    scene.cluster.crashed(scene.app, 1, line)
    assert scene.left(finding("database_port_wrong", scene.ref, 0.9, "nothing of it")) == [line]
    assert scene.left(finding("database_port_wrong", scene.ref, 0.9, f"it said: {line}")) == []
    named = finding("database_port_wrong", scene.ref, 0.9, "asks ledger-db.books:5432")
    assert scene.left(named) == []


def test_a_line_about_the_address_that_an_object_shows_is_claimed_however_it_is_wrapped(
    scene: Scene,
) -> None:
    shown = "LEDGER=ledger-gone:6379: there is no Service ledger-gone"
    wrapped = "ERROR UnableToConnect on ledger-gone:6379/Interactive, origin Begin, idle never"
    other = "ERROR UnableToConnect on parcels:6379/Interactive, origin Begin, idle never"
    scene.cluster.crashed(scene.app, 1, other, wrapped)
    assert scene.left(finding("env_address_mismatch", scene.ref, 0.9, shown)) == [other]


def test_the_subjects_own_name_is_no_claim(scene: Scene) -> None:
    line = f"FATAL {scene.app} refused to start with a half moon"
    scene.cluster.crashed(scene.app, 1, line)
    assert scene.left(finding("missing_env", scene.ref, 0.9, "a variable is missing")) == [line]


def test_a_message_about_a_claim_belongs_to_a_cause_at_a_claim(scene: Scene) -> None:
    said = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims"
    scene.cluster.unschedulable(scene.app, said)
    scene.cluster.event("Pod", scene.pod, "FailedScheduling", said)
    claim = ObjectRef(kind="PersistentVolumeClaim", namespace=scene.cluster.namespace, name="data")
    first = finding("pvc_capacity_mismatch", scene.ref, 0.9, "too small")
    assert scene.left(finding("liveness_probe_port", scene.ref, 0.9)) == [said]
    first.evidence = [*first.evidence, *finding("oom_killed", claim, 0.9, "not bound").evidence]
    first.object = claim
    assert scene.left(first) == []


def test_what_stands_behind_the_first_speaks_for_it_and_other_causes_do_not(scene: Scene) -> None:
    line = "ERROR worker 7 of pool blue was lost, refused"
    scene.cluster.crashed(scene.app, 1, line)
    first = finding("oom_killed", scene.ref, 0.95, "killed")
    behind = finding("crash_code", scene.ref, 0.5, f"last words {line}")
    other = finding("database_port_wrong", scene.ref, 0.5, f"it said {line}")
    assert scene.left(first, behind) == []
    assert scene.left(first, other) == [line]


def test_a_symptom_sees_whatever_the_program_says(scene: Scene) -> None:
    scene.cluster.crashed(scene.app, 1, "FATAL tariff 7 is gone, refused")
    scene.cluster.event("Pod", scene.pod, "AttestationRejected", "quote does not match")
    assert scene.left(finding("crash_code", scene.ref, 0.5)) == ["quote does not match"]


def test_the_share_and_the_sentences_stand_at_the_finding(scene: Scene) -> None:
    scene.cluster.crashed(scene.app, 137, "FATAL tariff 7 is gone, refused", reason="OOMKilled")
    first = finding("oom_killed", scene.ref, 0.9)
    weigh(ClusterView(scene.cluster.bundle(scene.app)), [first])
    assert first.unexplained == ("FATAL tariff 7 is gone, refused",)
    assert first.open_share == 0.5


def _told(scene: Scene) -> Any:
    analysis = diagnose(scene.cluster.bundle(scene.app)).analysis
    assert analysis is not None
    return analysis


def test_what_no_cause_explains_is_printed_against_it_and_lowers_confidence() -> None:
    plain, odd = Scene(), Scene()
    plain.cluster.crashed(plain.app, 137, "starting", reason="OOMKilled")
    odd.cluster.crashed(
        odd.app, 137, "FATAL tariff 7 is gone, refused", "starting", reason="OOMKilled"
    )
    clear, doubted = _told(plain), _told(odd)
    assert clear.failure_class == doubted.failure_class == "oom_killed"
    said = say("decide.unexplained", trouble="FATAL tariff 7 is gone, refused")
    assert said in doubted.hypotheses[0].evidence_against
    assert said not in clear.hypotheses[0].evidence_against
    assert doubted.confidence < clear.confidence
