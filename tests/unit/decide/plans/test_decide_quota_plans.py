"""What is drafted where a quota is used up."""

from __future__ import annotations

import copy

from decide.core.families.admission.facts import FullQuota
from decide.core.families.admission.plans import quotas
from schemas.base import ObjectRef
from tests.support.decide.drafted import drafted, shop

_REF = ObjectRef(api_version="v1", kind="ResourceQuota", namespace="shop", name="most")


def _full(
    resource: str,
    hard: str,
    *,
    used: str = "",
    asked: str = "",
    missing: int = 1,
    collected: bool = True,
    replicas: int = 1,
    pods: int = 1,
    kind: str = "Deployment",
    known: bool = True,
) -> list[str]:
    cluster = shop()
    quota = cluster.add("resourcequotas", "most", spec={"hard": {resource: hard}})
    found = cluster.get("deployments", "web")
    found["spec"]["replicas"] = replicas
    pod = cluster.pod("web")
    cluster.objects["pods"] = [copy.deepcopy(pod) for _ in range(pods)]
    for n, one in enumerate(cluster.objects["pods"]):
        one["metadata"]["name"] += str(n)
    if kind == "StatefulSet":
        cluster.objects["statefulsets"] = [found | {"kind": kind}]
        cluster.objects["deployments"].clear()
        for one in cluster.objects["pods"]:
            one["metadata"]["ownerReferences"] = [{"kind": kind, "name": "web", "controller": True}]
    return drafted(
        quotas.quota,
        cluster,
        lambda w, _: FullQuota(
            workload=w if known else None,
            quota=quota if collected else None,
            resource=resource,
            hard=hard,
            used=used,
            asked=asked,
            missing=missing,
        ),
        at=_REF,
    )


def _raised(resource: str, hard: str, **said: object) -> list[str]:
    """Just the changes of it."""
    return [line for line in _full(resource, hard, **said) if "→" in line]


def test_a_quota_is_raised_to_what_is_used_and_missing_and_a_tenth_more() -> None:
    assert _full("requests.memory", "4Gi", used="3584Mi", asked="1Gi", missing=2) == [
        "set_quota 0.8 admission.quota.raise quota=most resource=requests.memory value=6196Mi",
        "  why admission.quota.room detail=seen value=6196Mi",
        "  risk admission.quota.more",
        "  risk admission.quota.owner",
        "  time drafting.time.seconds",
        '  v1 ResourceQuota/shop/most spec.hard[\'requests.memory\']: "4Gi" → "6196Mi"',
    ]


def test_cpu_below_a_core_is_given_in_thousandths() -> None:
    assert _raised("requests.cpu", "500m", used="400m", asked="200m") == [
        '  v1 ResourceQuota/shop/most spec.hard[\'requests.cpu\']: "500m" → "660m"',
    ]


def test_cpu_above_a_core_is_given_in_whole_cores() -> None:
    assert _raised("limits.cpu", "2", used="2", asked="1") == [
        '  v1 ResourceQuota/shop/most spec.hard[\'limits.cpu\']: "2" → "4"',
    ]


def test_a_whole_core_stays_a_whole_core() -> None:
    assert _raised("cpu", "900m", used="500m", asked="500m") == [
        '  v1 ResourceQuota/shop/most spec.hard.cpu: "900m" → "2"',
    ]


def test_a_few_bytes_are_given_as_a_number() -> None:
    assert _raised("memory", "1000", used="1000", asked="105") == [
        '  v1 ResourceQuota/shop/most spec.hard.memory: "1000" → "1216"',
    ]


def test_a_mebibyte_is_given_as_a_number_and_more_in_units() -> None:
    assert _raised("requests.storage", "500Ki", used="500Ki", asked="524Ki") == [
        '  v1 ResourceQuota/shop/most spec.hard[\'requests.storage\']: "500Ki" → "2Mi"',
    ]


def test_a_count_goes_up_by_what_is_missing_even_where_nobody_says_how_much() -> None:
    assert _raised("pods", "5", used="5", missing=3) == [
        '  v1 ResourceQuota/shop/most spec.hard.pods: "5" → "9"',
    ]


def test_objects_of_a_kind_and_claims_of_a_class_are_counted_too() -> None:
    assert _raised("count/jobs.batch", "2", used="2") == [
        '  v1 ResourceQuota/shop/most spec.hard[\'count/jobs.batch\']: "2" → "4"',
    ]
    claims = "fast.storageclass.storage.k8s.io/persistentvolumeclaims"
    assert _raised(claims, "1", used="1") == [
        '  v1 ResourceQuota/shop/most spec.hard[\'fast.storageclass.storage.k8s.io/persistentvolumeclaims\']: "1" → "3"',
    ]


def test_an_unknown_use_counts_as_none() -> None:
    assert _raised("pods", "1", missing=2) == [
        '  v1 ResourceQuota/shop/most spec.hard.pods: "1" → "3"',
    ]
    assert _raised("pods", "2", missing=0) == []


def test_storage_that_nobody_names_an_amount_of_is_not_raised() -> None:
    for resource in ("requests.storage", "requests.cpu", "limits.memory"):
        assert _raised(resource, "4Gi", used="4Gi") == []


def test_a_quota_is_raised_to_sixteen_times_at_most() -> None:
    assert _raised("pods", "1", used="1", missing=15) == [
        '  v1 ResourceQuota/shop/most spec.hard.pods: "1" → "18"',
    ]
    assert _raised("pods", "1", used="1", missing=16) == []


def test_a_quota_of_nothing_is_raised_to_five_at_most() -> None:
    assert _raised("pods", "0", used="0", missing=5) == [
        '  v1 ResourceQuota/shop/most spec.hard.pods: "0" → "6"',
    ]
    assert _raised("pods", "0", used="0", missing=6) == []
    assert _raised("pods", "1", used="0", missing=6) == [
        '  v1 ResourceQuota/shop/most spec.hard.pods: "1" → "7"',
    ]


def test_a_quota_that_has_room_enough_is_not_raised() -> None:
    assert _raised("pods", "3", used="1", missing=1) == []
    assert _raised("pods", "2", used="1", missing=1) == [
        '  v1 ResourceQuota/shop/most spec.hard.pods: "2" → "3"',
    ]


def test_amounts_that_cannot_be_read_give_no_plan() -> None:
    assert _full("requests.memory", "much", used="1Gi", asked="1Gi", replicas=3) == []


def test_a_quota_that_was_not_collected_is_not_raised() -> None:
    assert _full("pods", "5", used="5", collected=False) == []


def test_as_many_replicas_as_exist_are_asked_for_instead() -> None:
    assert _full("pods", "5", used="5", replicas=3, pods=2) == [
        # 2 pods become 3 new ones with an old one beside them: 5 - 2 + 3 + 1, and a tenth more
        "set_quota 0.8 admission.quota.raise quota=most resource=pods value=8",
        "  why admission.quota.room detail=seen value=8",
        "  risk admission.quota.more",
        "  risk admission.quota.owner",
        "  time drafting.time.seconds",
        '  v1 ResourceQuota/shop/most spec.hard.pods: "5" → "8"',
        "set_replicas 0.6 drafting.replicas n=2 workload=web",
        "  why admission.quota.fit desired=3 detail=seen n=2",
        "  risk drafting.risk.gives_up_replicas n=3",
        "  risk drafting.risk.fewer",
        "  time drafting.time.seconds",
        "  apps/v1 Deployment/shop/web spec.replicas: 3 → 2",
    ]
    assert _full("requests.cpu", "1", replicas=3, pods=2) == [
        "set_replicas 0.6 drafting.replicas n=2 workload=web",
        "  why admission.quota.fit desired=3 detail=seen n=2",
        "  risk drafting.risk.gives_up_replicas n=3",
        "  risk drafting.risk.fewer",
        "  time drafting.time.seconds",
        "  apps/v1 Deployment/shop/web spec.replicas: 3 → 2",
    ]


def test_replicas_stay_where_none_or_all_exist() -> None:
    assert _full("requests.cpu", "1", replicas=2, pods=2) == []
    assert _full("requests.cpu", "1", replicas=3, pods=0) == []
    assert _full("requests.cpu", "1", replicas=2, pods=1) != []


def test_replicas_of_what_is_no_deployment_or_unknown_stay() -> None:
    assert _full("requests.cpu", "1", replicas=3, pods=2, kind="StatefulSet") == []
    assert _full("requests.cpu", "1", replicas=3, pods=2, known=False) == []
