"""Each fault is found at its object on made-up clusters, whatever the names are; healthy clusters stay untouched."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.taxonomy import CLASSES
from tests.support.decide.catalogue import CALM, FAULTS
from tests.support.decide.clusters import Cluster
from tests.support.decide.faults_symptoms import calm_bundle


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("key", sorted(FAULTS))
def test_a_fault_is_found_at_its_object(key: str, seed: int) -> None:
    cluster = Cluster(seed)
    for _ in range(3):
        cluster.app()
    app = cluster.app()
    app = FAULTS[key](cluster, app) or app
    class_id = key.partition("/")[0]
    verdict = diagnose(cluster.bundle())
    assert verdict.analysis is not None
    said = [(h.failure_class, h.object.name, h.confidence) for h in verdict.analysis.hypotheses]
    assert (verdict.analysis.failure_class, verdict.analysis.object.name) == (class_id, app), said
    assert verdict.status != "no_action"
    if not CLASSES[class_id].plans:
        assert verdict.plans == ()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("key", sorted(CALM))
def test_a_situation_in_which_nothing_is_to_be_changed_is_told_by_its_class(
    key: str, seed: int
) -> None:
    cluster = Cluster(seed)
    for _ in range(3):
        cluster.app()
    told = CALM[key](cluster, cluster.app())
    verdict = diagnose(calm_bundle(cluster, told))
    class_id = key.partition("/")[0]
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == class_id
    wanted = "no_action" if CLASSES[class_id].nature == "calm" else "needs_human"
    assert verdict.status == wanted
    assert verdict.plans == ()


def test_every_class_has_a_made_up_fault_or_situation_that_it_is_found_by() -> None:
    made = {key.partition("/")[0] for key in (*FAULTS, *CALM)}
    assert set(CLASSES) - made == set()
    assert made - set(CLASSES) == set()


@pytest.mark.parametrize("resource", ["cpu", "memory", "pods"])
def test_an_exhausted_quota_is_the_cause_and_not_the_workload(resource: str) -> None:
    cluster = Cluster(7)
    cluster.app()
    app = cluster.app()
    name = "pods" if resource == "pods" else f"requests.{resource}"
    quota = cluster.word()
    cluster.objects["resourcequotas"].append(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": quota, "namespace": cluster.namespace},
            "spec": {"hard": {name: "2"}},
            "status": {"hard": {name: "2"}, "used": {name: "2"}},
        }
    )
    cluster.refused(
        app, f"exceeded quota: {quota}, requested: {name}=1, used: {name}=2, limited: {name}=2"
    )
    verdict = diagnose(cluster.bundle())
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == f"quota_{resource}_exceeded"
    assert verdict.analysis.object.key == f"ResourceQuota/{cluster.namespace}/{quota}"
    change = verdict.plans[0].kubernetes_changes[0]
    assert change.object.name == quota
    assert change.fields[0].before == "2"


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_cluster_is_left_alone(seed: int) -> None:
    cluster = Cluster(seed)
    for _ in range(4):
        cluster.app()
    verdict = diagnose(cluster.bundle())
    assert (verdict.status, verdict.reason, verdict.plans) == ("no_action", "healthy", ())


def test_restarts_and_warnings_of_the_past_are_no_fault() -> None:
    cluster = Cluster(3)
    app = cluster.app()
    cluster.status(app, ready=True, restartCount=2, lastState={"terminated": {"exitCode": 1}})
    cluster.event("Pod", "gone-7d4b9c6f5-x2x8k", "Failed", 'Failed to pull image "x": not found')
    cluster.event(
        "Pod",
        cluster.pod(app)["metadata"]["name"],
        "BackOff",
        "Back-off restarting failed container",
        1,
    )
    assert diagnose(cluster.bundle()).status == "no_action"


def test_an_optional_address_without_service_is_no_fault() -> None:
    cluster = Cluster(4)
    app = cluster.app()
    cluster.container(app)["env"] = [{"name": "ADDON_ADDR", "value": "someaddon:8080"}]
    assert diagnose(cluster.bundle()).status == "no_action"


def test_an_account_that_came_late_is_no_fault() -> None:
    cluster = Cluster(5)
    app = cluster.app()
    child = cluster.objects["replicasets"][0]["metadata"]["name"]
    cluster.event(
        "ReplicaSet",
        child,
        "FailedCreate",
        f'Error creating: pods "{child}-" is forbidden: error looking up service account {cluster.namespace}/{app}: serviceaccount "{app}" not found',
    )
    assert diagnose(cluster.bundle()).status == "no_action"


def test_a_dead_node_explains_its_pods() -> None:
    cluster = Cluster(6)
    apps = [cluster.app() for _ in range(3)]
    node = cluster.nodes[0]
    for app in apps:
        cluster.pod(app)["spec"]["nodeName"] = node
        cluster.status(app)
    cluster.objects["nodes"][0]["status"]["conditions"] = [
        {"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}
    ]
    verdict = diagnose(cluster.bundle())
    assert verdict.analysis is not None
    assert (verdict.analysis.failure_class, verdict.analysis.object.name) == (
        "node_kubelet_unavailable",
        node,
    )
    assert (verdict.status, verdict.plans) == ("needs_human", ())


def test_one_database_explains_all_its_callers() -> None:
    cluster = Cluster(8)
    database = cluster.app(image="registry.example/mysql:8", port=3306)
    callers = [cluster.app() for _ in range(3)]
    for caller in callers:
        cluster.container(caller)["env"] = [{"name": "DB", "value": f"{database}:3306"}]
        cluster.crashed(
            caller, 1, "java.sql.SQLNonTransientConnectionException: Too many connections"
        )
    verdict = diagnose(cluster.bundle())
    assert verdict.analysis is not None
    assert verdict.analysis.object.name == database
    assert verdict.analysis.failure_class == "database_connections_exhausted"
    assert (verdict.status, verdict.reason) == ("needs_human", "capacity")


def test_nothing_collected_asks_a_human() -> None:
    cluster = Cluster(9)
    cluster.objects.clear()
    verdict = diagnose(cluster.bundle())
    assert (verdict.status, verdict.plans) == ("needs_human", ())


@pytest.mark.parametrize("class_id", ["oom_killed", "image_not_found", "service_selector_mismatch"])
@pytest.mark.parametrize("gone", ["events", "logs", "nodes", "services", "replicasets"])
def test_a_missing_source_never_crashes(class_id: str, gone: str) -> None:
    cluster = Cluster(11)
    cluster.app()
    app = cluster.app()
    FAULTS[class_id](cluster, app)
    cluster.objects.pop(gone, None)
    if gone == "logs":
        cluster.logs.clear()
    assert diagnose(cluster.bundle()).status in ("solution_proposed", "needs_human", "no_action")


def test_misshapen_objects_never_crash() -> None:
    cluster = Cluster(12)
    app = cluster.app()
    for kind, found in cluster.objects.items():
        found.append(
            {
                "kind": kind,
                "metadata": {"name": "odd", "namespace": cluster.namespace},
                "spec": None,
                "status": [],
            }
        )
    cluster.get("services", app)["spec"]["ports"] = None
    cluster.pod(app)["status"]["containerStatuses"] = "none"
    assert diagnose(cluster.bundle()).analysis is not None


def test_texts_for_people_exist_in_french() -> None:
    cluster = Cluster(13)
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    french, english = diagnose(cluster.bundle(), language="fr"), diagnose(cluster.bundle())
    assert french.analysis is not None
    assert "tué" in french.analysis.root_cause
    assert french.plans[0].title != english.plans[0].title
    assert french.plans[0].changes_hash == english.plans[0].changes_hash


def test_a_leak_is_for_people_and_growth_at_start_is_not_a_leak() -> None:
    mib = 2**20
    leaking = Cluster(14)
    app = leaking.app()
    FAULTS["oom_killed"](leaking, app)
    leaking.series(
        "kubernetes.memory.usage",
        [30.0 * mib + 2.4 * mib * n for n in range(40)],
        kube_deployment=app,
    )
    verdict = diagnose(leaking.bundle())
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "memory_leak"
    assert (verdict.status, verdict.reason) == ("needs_human", "code_defect")
    stepping = Cluster(14)
    app = stepping.app()
    FAULTS["oom_killed"](stepping, app)
    stepping.series(
        "kubernetes.memory.usage", [40.0 * mib] * 20 + [127.0 * mib] * 20, kube_deployment=app
    )
    step = diagnose(stepping.bundle())
    assert step.analysis is not None
    assert step.analysis.failure_class == "oom_killed"


def test_zero_replicas_that_are_declared_are_meant() -> None:
    cluster = Cluster(15)
    cluster.app()
    app = cluster.app()
    FAULTS["zero_replicas"](cluster, app)
    cluster.declared.append(cluster.get("deployments", app))
    assert diagnose(cluster.bundle()).plans == ()


def test_an_alert_is_not_answered_with_another_workloads_trouble() -> None:
    """Two troubles in one namespace: each alert gets the fix of its own."""
    cluster = Cluster(3)
    one, two, calm = cluster.app(), cluster.app(), cluster.app()
    FAULTS["oom_killed"](cluster, one)
    FAULTS["crash_bad_config"](cluster, two)
    for app, class_id in ((one, "oom_killed"), (two, "crash_bad_config")):
        analysis = diagnose(cluster.bundle(subject=app)).analysis
        assert analysis is not None
        assert (analysis.object.name, analysis.failure_class) == (app, class_id)
    verdict = diagnose(cluster.bundle(subject=calm))
    assert verdict.status == "needs_human"
    assert verdict.plans == ()


def test_the_cause_may_be_what_the_subject_depends_on() -> None:
    cluster = Cluster(4)
    database = cluster.app()
    caller = cluster.app()
    entry = {
        "name": "DB_ADDR",
        "value": f"{database}:{cluster.get('services', database)['spec']['ports'][0]['port']}",
    }
    cluster.container(caller).setdefault("env", []).append(entry)
    FAULTS["oom_killed"](cluster, database)
    cluster.down(database)
    analysis = diagnose(cluster.bundle(subject=caller)).analysis
    assert analysis is not None
    assert (analysis.object.name, analysis.failure_class) == (database, "oom_killed")


def test_pods_tell_of_controllers_that_were_not_collected() -> None:
    cluster = Cluster(18)
    cluster.app()
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    for kind in ("deployments", "replicasets"):
        del cluster.objects[kind]
    analysis = diagnose(cluster.bundle()).analysis
    assert analysis is not None
    assert (analysis.failure_class, analysis.object.key) == (
        "oom_killed",
        f"Deployment/{cluster.namespace}/{app}",
    )


def test_metrics_alone_name_their_service() -> None:
    cluster = Cluster(19)
    names = [cluster.word() for _ in range(3)]
    for name in names:
        slow = name == names[1]
        cluster.series(
            "service.p95latency", [20.0] * 30 + [420.0 if slow else 21.0] * 30, service=name
        )
        cluster.series("service.cpu", [0.05] * 60, service=name)
    cluster.objects.clear()
    analysis = diagnose(cluster.bundle()).analysis
    assert analysis is not None
    assert (analysis.failure_class, analysis.object.name) == ("pod_network_delay", names[1])
