"""What is drafted where a mesh keeps requests from a workload."""

from __future__ import annotations

from typing import Any

from decide.core.families.mesh import plans
from decide.core.families.mesh.facts import InjectedFault, LostSubset, NotAllowed, ShutOut
from tests.support.decide.drafted import drafted, pod_spec, shop, workload_of

_ROUTE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "http": [
            {
                "fault": {"delay": {"fixedDelay": "7s"}},
                "route": [{"destination": {"host": "web", "subset": "v9"}}],
            }
        ]
    },
}


def _allowed(rules: list[Any], *, account: str = "", port: int | None = None) -> list[str]:
    cluster = shop("web", "cart")
    if account:
        pod_spec(cluster, "cart")["serviceAccountName"] = account
    policy = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "only", "namespace": "shop"},
        "spec": {"rules": rules},
    }
    return drafted(
        plans.mesh,
        cluster,
        lambda w, view: NotAllowed(
            workload=w, caller=workload_of(view, "cart"), policy=policy, port=port
        ),
    )


def test_a_caller_is_allowed_by_its_account_at_the_port_behind_the_rules_that_are_there() -> None:
    assert _allowed([{"from": []}, {"to": []}], account="carter", port=8080) == [
        "set_network_policy 0.72 mesh.policy.title callee=web caller=cart",
        "  why drafting.because detail=seen",
        "  risk mesh.policy.risk",
        "  risk drafting.risk.wider",
        "  time drafting.time.seconds",
        '  security.istio.io/v1 AuthorizationPolicy/shop/only spec.rules[2]: + {"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/carter"]}}], "to": [{"operation": {"ports": ["8080"]}}]}',
    ]


def test_a_caller_without_an_account_is_allowed_by_its_namespace_at_any_port() -> None:
    assert _allowed([]) == [
        "set_network_policy 0.72 mesh.policy.title callee=web caller=cart",
        "  why drafting.because detail=seen",
        "  risk mesh.policy.risk",
        "  risk drafting.risk.wider",
        "  time drafting.time.seconds",
        '  security.istio.io/v1 AuthorizationPolicy/shop/only spec.rules: [] → [{"from": [{"source": {"namespaces": ["shop"]}}]}]',
    ]


def test_a_route_leads_to_the_subsets_that_have_pods_two_at_most() -> None:
    path = "spec.http[0].route[0].destination.subset"
    found = drafted(
        plans.mesh,
        shop(),
        lambda w, _: LostSubset(workload=w, route=_ROUTE, path=path, alive=("v1", "v2", "v3")),
    )
    assert found == [
        "other 0.82 mesh.subset.title subset=v1",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.route_owner",
        "  time drafting.time.seconds",
        '  networking.istio.io/v1 VirtualService/shop/web spec.http[0].route[0].destination.subset: "v9" → "v1"',
        "other 0.72 mesh.subset.title subset=v2",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.route_owner",
        "  time drafting.time.seconds",
        '  networking.istio.io/v1 VirtualService/shop/web spec.http[0].route[0].destination.subset: "v9" → "v2"',
    ]


def test_an_injected_fault_ends_be_it_a_delay_or_an_abort() -> None:
    for delays in (True, False):
        found = drafted(
            plans.mesh,
            shop(),
            lambda w, _, delays=delays: InjectedFault(
                workload=w, route=_ROUTE, path="spec.http[0].fault", delays=delays
            ),
        )
        end = "mesh.fault.end_delay" if delays else "mesh.fault.end_abort"
        assert found == [
            f"other 0.8 {end}",
            "  why drafting.because detail=seen",
            "  risk mesh.fault.risk",
            "  time drafting.time.seconds",
            "  networking.istio.io/v1 VirtualService/shop/web spec.http[0].fault: "
            '- {"delay": {"fixedDelay": "7s"}}',
        ]


def test_nothing_is_drafted_where_just_the_trouble_is_known() -> None:
    assert drafted(plans.mesh, shop(), lambda w, _: ShutOut(workload=w)) == []
