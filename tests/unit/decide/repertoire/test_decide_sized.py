"""Sizes, quotas, keys, locks and limits of nodes: what is repaired without history, and what only people may."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.next_steps import next_steps
from safety.core.policy import Policy
from schemas.alerts import FiredRule
from tests.support.decide.clusters import Cluster
from tests.support.decide.repaired import cause, proposed, suffering, wanted

MAIN = ":containers[name=main]"
LIMIT, ASK = f"{MAIN}.resources.limits.memory", f"{MAIN}.resources.requests.memory"


def test_a_limit_that_holds_the_heap_and_a_heap_that_the_limit_holds_are_two_ways() -> None:
    larger, heap, *_ = proposed("oom_killed/a heap above the limit")
    assert larger == {LIMIT: "2752Mi", ASK: "2752Mi"}
    assert heap == {f"{MAIN}.env[0].value": "-server -Xms256m -Xmx768m"}


def test_a_heap_that_no_step_reaches_is_held_by_the_limit_or_set_from_it_and_never_left_above() -> (
    None
):
    larger, heap, *_ = proposed("oom_killed/a heap that no step reaches")
    assert larger[LIMIT] == "5504Mi"  # 4096 / 0.75; whether that may be is the ceilings' matter
    assert heap == {f"{MAIN}.args[0]": "--max-old-space-size=192"}


def test_a_heap_that_leaves_too_little_beside_it_gets_less_as_a_second_way() -> None:
    plans = proposed("oom_killed/a heap that leaves too little")
    assert {f"{MAIN}.env[0].value": "-XX:MaxRAMPercentage=75"} in plans[1:]


def test_a_go_program_without_a_soft_limit_gets_one_beside_more_memory() -> None:
    plans = proposed("oom_killed/a collector that knows no limit")
    assert LIMIT in plans[0]
    assert {f"{MAIN}.env[1]": {"name": "GOMEMLIMIT", "value": "460MiB"}} in plans


def test_where_nothing_was_measured_the_least_is_what_the_vpa_adds_to_a_killed_container() -> None:
    assert proposed("oom_killed/a small limit that nothing measured")[0] == {
        LIMIT: "208Mi",
        ASK: "208Mi",
    }


def test_threads_above_the_limit_are_as_many_as_it_lets_run() -> None:
    plans = proposed("cpu_throttling/threads above the limit")
    assert {f"{MAIN}.env[name=GOMAXPROCS].value": "2", f"{MAIN}.args[0]": "--workers=5"} in plans
    assert len(plans) == 3


def test_throttling_is_told_by_its_own_series_alone() -> None:
    assert cause("cpu_throttling/its own series alone") == "cpu_throttling"


@pytest.mark.parametrize(
    ("query", "title", "limited", "found"),
    [
        ("avg(last_5m):avg:kubernetes.cpu.cfs.throttled.periods{*} > 10", "x", True, True),
        ("", "kubernetes.cpu.cfs.throttled.seconds of ledger is high", True, True),
        ("avg(last_5m):avg:kubernetes.cpu.cfs.throttled.periods{*} > 10", "x", False, False),
        ("avg(last_5m):avg:kubernetes.memory.usage{*} > 10", "CPU throttling", True, False),
    ],
)
def test_throttling_that_the_alert_measures_needs_a_limit_that_stands(
    query: str, title: str, limited: bool, found: bool
) -> None:
    cluster = Cluster(9)
    app = cluster.app("ledger")
    if not limited:
        cluster.container(app)["resources"].pop("limits")
    bundle = cluster.bundle(app)
    alert = bundle.alert.model_copy(update={"title": title, "rule": FiredRule(query=query)})
    verdict = diagnose(bundle.model_copy(update={"alert": alert}))
    told = verdict.analysis is not None and verdict.analysis.failure_class == "cpu_throttling"
    assert told is found
    assert any("cpu" in path for plan in wanted(verdict) for path in plan) is found


@pytest.mark.parametrize(("used", "proposed_"), [(None, False), (0.05, False), (0.19, True)])
def test_throttling_that_the_alert_only_speaks_of_needs_a_measure_or_is_a_question(
    used: float | None, proposed_: bool
) -> None:
    cluster = Cluster(9)
    app = cluster.app("ledger")
    if used is not None:
        cluster.series("service.cpu", [used] * 60, service=app)
    bundle = cluster.bundle(app)
    alert = bundle.alert.model_copy(update={"title": "CPU throttling of ledger is high"})
    verdict = diagnose(bundle.model_copy(update={"alert": alert}))
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "cpu_throttling"
    assert (verdict.status == "solution_proposed") is proposed_
    assert any(plan.fix_kind == "set_cpu" for plan in verdict.plans) is proposed_
    if not proposed_:
        assert verdict.reason


def test_a_workload_that_asks_for_far_more_than_it_uses_asks_for_less_before_the_quota_grows() -> (
    None
):
    less, quota, *_ = proposed("quota_cpu_exceeded/it asks for far more than it uses")
    assert less == {f"{MAIN}.resources.requests.cpu": "120m"}
    assert list(quota) == ["spec.hard['requests.cpu']"]


@pytest.mark.parametrize(
    ("called", "kinds"), [(True, ["set_cpu", "set_quota"]), (False, ["set_quota"])]
)
def test_only_who_calls_the_one_that_asks_for_too_much_is_told_to_have_it_ask_for_less(
    called: bool, kinds: list[str]
) -> None:
    cluster, app = suffering("quota_cpu_exceeded/it asks for far more than it uses")
    other = next(d["metadata"]["name"] for d in cluster.objects["deployments"])
    if called:
        cluster.calls(other, app)
    assert [p.fix_kind for p in diagnose(cluster.bundle(other)).plans] == kinds


def test_the_policy_says_which_way_out_of_a_full_quota_comes_first() -> None:
    plans = diagnose(
        suffering("quota_cpu_exceeded/it asks for far more than it uses")[0].bundle()
    ).plans
    assert [p.fix_kind for p in Policy().in_order(plans)] == ["set_cpu", "set_quota"]
    raised = Policy(quota_order=("quota", "request")).in_order(plans)
    assert [(p.priority, p.fix_kind) for p in raised] == [(1, "set_quota"), (2, "set_cpu")]
    assert Policy(quota_order=("quota",)).in_order(plans[:1]) == plans[:1]


def test_a_subpath_is_turned_to_the_key_that_is_like_it_or_that_the_file_is_named_after() -> None:
    place = f"{MAIN}.volumeMounts[0].subPath"
    assert proposed("config_reference_missing/a subPath of another ending") == [{place: "app.yaml"}]
    (plan,) = proposed("config_reference_missing/a subPath that the program finds a folder at")
    assert plan == {place: "server.toml"}


def test_a_subpath_that_no_key_is_like_is_for_people() -> None:
    assert (
        cause("config_reference_missing/a subPath that nothing is like")
        == "config_reference_missing, no_safe_plan"
    )


def test_a_lock_that_the_pod_before_holds_is_released_before_the_new_one_comes() -> None:
    assert proposed("file_lock_held/by the pod before") == [
        {"spec.strategy.type": "Recreate", "spec.strategy.rollingUpdate": None}
    ]
    assert proposed("file_lock_held/by another replica") == [{"spec.replicas": 1}]


def test_a_lock_that_nobody_is_seen_to_hold_is_for_people() -> None:
    assert cause("file_lock_held/by nobody that is left") == "file_lock_held, data_loss_risk"


@pytest.mark.parametrize(
    ("fault", "command"),
    [
        ("node_inotify_limit", "fs.inotify.max_user_watches"),
        ("node_map_count_limit", "vm.max_map_count"),
        ("node_conntrack_limit", "nf_conntrack_max"),
        ("node_open_files_limit", "fs.file-max"),
        ("node_pid_limit", "podPidsLimit"),
    ],
)
def test_a_limit_of_a_nodes_kernel_is_for_whoever_runs_the_nodes_with_its_name(
    fault: str, command: str
) -> None:
    assert cause(fault) == f"{fault}, outside_manifests"
    cluster, app = suffering(fault)
    steps = next_steps(cluster.bundle(), diagnose(cluster.bundle()))
    assert command in steps[0].what
    assert cluster.pod(app)["spec"]["nodeName"] in steps[0].command


def test_nodes_that_are_kept_for_others_are_not_the_cause_where_the_open_ones_are_full() -> None:
    assert (
        cause("insufficient_memory/beside a pool that is kept for others") == "insufficient_memory"
    )


@pytest.mark.parametrize(
    "fault",
    [
        "pod_anti_affinity_conflict/a rollout on as many nodes as pods",
        "insufficient_resource/a rollout beside the old pods",
    ],
)
def test_a_rollout_without_room_lets_one_old_pod_leave_first(fault: str) -> None:
    first, *_ = proposed(fault)
    assert first == {"spec.strategy.rollingUpdate.maxUnavailable": 1} or first == {
        "spec.strategy.rollingUpdate": {"maxUnavailable": 1}
    }


def test_the_strategy_of_a_rollout_that_may_leave_one_out_already_stays() -> None:
    plans = proposed("too_many_pods/a rollout that may leave one out")
    assert not any("strategy" in path for plan in plans for path in plan)
