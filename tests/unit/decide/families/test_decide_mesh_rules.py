"""What the rules of service meshes find, at which score, and where they stay silent."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.families.mesh.rules import destinations, find, in_mesh
from decide.core.view import ClusterView
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import everywhere, found, heads, shop, whole

_DENIED = "RBAC: access denied"
_RESET = "read: connection reset by peer"


def _called() -> Cluster:
    """``web`` calls ``cart`` at 8080; ``shelf`` calls nobody."""
    c = shop("web", "cart", "shelf")
    c.calls("web", "cart")
    return c


def _first(c: Cluster) -> list[str]:
    """The first finding, whole."""
    lines = whole(find, c)
    return lines[: next(n for n, line in enumerate(lines, 1) if line.startswith("facts: "))]


def _kinds(c: Cluster) -> list[str]:
    """Each head once: a callee that is configured and named by a line is found by both ways."""
    return list(dict.fromkeys(heads(find, c)))


def _policy(c: Cluster, name: str = "only", **spec: Any) -> Obj:
    return c.add(
        "authorizationpolicies",
        name,
        api="security.istio.io/v1",
        kind="AuthorizationPolicy",
        spec=spec,
    )


def _selecting(app: str) -> Obj:
    return {"matchLabels": {"app": app}}


def _from(**source: list[str]) -> list[Obj]:
    return [{"from": [{"source": source}]}]


_OTHERS = _from(namespaces=["elsewhere"])


def test_a_policy_that_allows_only_others_shuts_the_caller_out() -> None:
    c = _called()
    _policy(c, "first", selector=_selecting("cart"), rules=_OTHERS)
    _policy(c, "second", action="ALLOW", selector=_selecting("cart"), rules=_OTHERS)
    text = (
        "mesh.policy.does_not_allow callee=Deployment/shop/cart, caller=Deployment/shop/web,"
        " policies=[first, second]"
    )
    assert whole(find, c) == [
        "0.45 mesh_policy_blocks of Deployment/shop/cart",
        f"told: {text}",
        f"object AuthorizationPolicy/shop/first: {text}",
        "facts: NotAllowed caller=Deployment web, policy=object first, port=8080,"
        " workload=Deployment cart",
    ]


def test_a_policy_that_denies_the_caller_is_told_before_those_that_allow() -> None:
    c = _called()
    _policy(c, "allows", selector=_selecting("cart"), rules=_OTHERS)
    _policy(c, "shuts", action="DENY", rules=_from(namespaces=["shop"]))
    text = (
        "mesh.policy.denies callee=Deployment/shop/cart, caller=Deployment/shop/web,"
        " policies=[shuts]"
    )
    assert whole(find, c) == [
        "0.45 mesh_policy_blocks of Deployment/shop/cart",
        f"told: {text}",
        f"object AuthorizationPolicy/shop/shuts: {text}",
        "facts: ShutOut caller=Deployment web, workload=Deployment cart",
    ]


@pytest.mark.parametrize(
    ("spec", "shut"),
    [
        ({"rules": _OTHERS}, True),
        ({"rules": _from(namespaces=["shop"])}, False),
        ({"rules": [*_OTHERS, *_from(namespaces=["shop"])]}, False),
        ({"rules": [{}]}, False),  # an empty rule is about everybody
        ({"rules": []}, True),  # no rule allows nobody
        ({}, True),
        ({"action": "DENY", "rules": _OTHERS}, False),
        ({"action": "DENY", "rules": [{}]}, True),
        ({"action": "AUDIT", "rules": _OTHERS}, False),
        ({"action": "CUSTOM", "rules": [{}]}, False),
    ],
)
def test_a_policy_shuts_out_by_its_action_and_by_whom_its_rules_are_about(
    spec: dict[str, Any], shut: bool
) -> None:
    c = _called()
    _policy(c, **spec)
    assert len(heads(find, c)) == shut


@pytest.mark.parametrize(
    ("selector", "space", "shut"),
    [
        (_selecting("cart"), "shop", True),
        (_selecting("shelf"), "shop", False),
        (None, "shop", True),
        (None, "other", False),
        (_selecting("cart"), "other", False),
    ],
)
def test_a_policy_is_about_the_workloads_of_its_namespace_that_it_selects(
    selector: Obj | None, space: str, shut: bool
) -> None:
    c = _called()
    made = _policy(c, rules=_OTHERS, **({"selector": selector} if selector else {}))
    made["metadata"]["namespace"] = space
    assert len(heads(find, c)) == shut


def test_one_policy_that_allows_the_caller_is_enough() -> None:
    c = _called()
    _policy(c, "others", rules=_OTHERS)
    _policy(c, "us", rules=_from(namespaces=["shop"]))
    assert heads(find, c) == []


@pytest.mark.parametrize(
    ("source", "fits"),
    [
        ({"principals": ["cluster.local/ns/shop/sa/default"]}, True),
        ({"principals": ["cluster.local/ns/shop/sa/web"]}, False),
        ({"principals": ["x", "cluster.local/ns/shop/sa/default"]}, True),
        ({"principals": ["cluster.local/ns/shop/*"]}, True),
        ({"principals": ["cluster.local/ns/other/*"]}, False),
        ({"principals": ["*/sa/default"]}, True),
        ({"principals": ["*/sa/other"]}, False),
        ({"principals": ["*"]}, True),
        ({"namespaces": ["sh*"]}, True),
        ({"namespaces": ["*op"]}, True),
        ({"namespaces": ["*sh"]}, False),
        ({"namespaces": ["op*"]}, False),
        ({"namespaces": ["shot*"]}, False),
        ({"namespaces": ["sho"]}, False),
        ({"namespaces": ["other", "shop"]}, True),
        ({"namespaces": ["other"], "principals": ["*"]}, False),
        ({"namespaces": ["shop"], "principals": ["nobody"]}, False),
        ({}, True),
    ],
)
def test_a_source_fits_by_its_principals_and_its_namespaces(
    source: dict[str, list[str]], fits: bool
) -> None:
    c = _called()
    _policy(c, rules=_from(**source))
    assert len(heads(find, c)) == (not fits)


def test_one_source_of_several_is_enough_to_fit() -> None:
    c = _called()
    sources = [{"source": {"namespaces": [space]}} for space in ("elsewhere", "shop")]
    _policy(c, rules=[{"from": sources}])
    assert heads(find, c) == []


def test_a_caller_is_known_by_its_service_account() -> None:
    c = _called()
    spec = c.get("deployments", "web")["spec"]["template"]["spec"]
    spec["serviceAccountName"] = "teller"
    _policy(c, rules=_from(principals=["cluster.local/ns/shop/sa/teller"]))
    assert heads(find, c) == []


@pytest.mark.parametrize(
    ("operations", "open_"),
    [
        ([], True),
        ([{"ports": ["8080"]}], True),
        ([{"ports": [8080]}], True),
        ([{"ports": ["9090"]}], False),
        ([{"ports": ["9090", "8080"]}], True),
        ([{"ports": ["9090"]}, {"ports": ["8080"]}], True),
        ([{"ports": ["9090"]}, {"ports": ["9091"]}], False),
        ([{"methods": ["GET"]}], True),
        ([{"ports": ["9090"]}, {"methods": ["GET"]}], True),
    ],
)
def test_a_rule_is_about_the_pods_port_paths_and_methods_are_taken_as_fitting(
    operations: list[Obj], open_: bool
) -> None:
    c = _called()
    _policy(c, rules=[{"to": [{"operation": one} for one in operations]}])
    assert len(heads(find, c)) == (not open_)


def test_a_port_that_nobody_knows_is_taken_as_fitting() -> None:
    c = _called()
    service = c.get("services", "cart")
    service["spec"]["ports"][0]["targetPort"] = "no-such-name"
    _policy(c, rules=[{"to": [{"operation": {"ports": ["9090"]}}]}])
    assert heads(find, c) == []


def _denying() -> Cluster:
    c = _called()
    _policy(c, rules=_OTHERS)
    return c


def test_what_the_caller_says_of_the_callee_makes_a_policy_surer() -> None:
    c = _denying()
    assert _kinds(c) == ["0.45 mesh_policy_blocks of Deployment/shop/cart"]
    c.stopped("web")
    assert _kinds(c) == ["0.6 mesh_policy_blocks of Deployment/shop/cart"]
    c.log("web", "GET cart: 503 Service Unavailable", "GET shelf: i/o timeout")
    lines = _first(c)
    assert lines[0] == "0.85 mesh_policy_blocks of Deployment/shop/cart"
    assert lines[3:-1] == ["log Deployment/shop/web: GET cart: 503 Service Unavailable"]


@pytest.mark.parametrize(
    "line",
    [
        "upstream connect error or disconnect/reset before headers. cart",
        "cart: i/o timeout",
        f"cart: {_RESET}",
        "cart: connection refused",
        "cart 503 Service Unavailable",
    ],
)
def test_every_way_in_which_a_call_fails_counts(line: str) -> None:
    c = _denying()
    c.log("web", line)
    assert _kinds(c) == ["0.85 mesh_policy_blocks of Deployment/shop/cart"]


@pytest.mark.parametrize("teller", ["web", "cart"])
def test_a_proxy_that_says_denied_is_believed_most_and_its_last_two_lines_are_shown(
    teller: str,
) -> None:
    c = _denying()
    c.log("web", "cart: i/o timeout")
    c.log(teller, f"1 {_DENIED}", f"2 {_DENIED}", f"3 {_DENIED}")
    lines = _first(c)
    assert lines[0] == "0.95 mesh_policy_blocks of Deployment/shop/cart"
    assert lines[3:-1] == [f"log Deployment/shop/web: {n} {_DENIED}" for n in (2, 3)]


def test_lines_of_a_bystander_do_not_count() -> None:
    c = _denying()
    c.log("shelf", "cart: i/o timeout")
    assert "0.45 mesh_policy_blocks of Deployment/shop/cart" in heads(find, c)


def _strict(c: Cluster, mode: str = "STRICT", name: str = "strict", **spec: Any) -> Obj:
    return c.add(
        "peerauthentications",
        name,
        api="security.istio.io/v1",
        kind="PeerAuthentication",
        spec={"mtls": {"mode": mode}, **spec},
    )


def _proxied(c: Cluster, app: str, name: str = "istio-proxy") -> None:
    c.pod(app)["spec"]["containers"] = [*c.pod(app)["spec"]["containers"], {"name": name}]


def test_mutual_tls_that_the_caller_cannot_speak_is_told() -> None:
    c = _called()
    _proxied(c, "cart")
    _strict(c)
    text = (
        "mesh.policy.demands_tls callee=Deployment/shop/cart, caller=Deployment/shop/web,"
        " policy=strict"
    )
    assert whole(find, c) == [
        "0.55 mesh_policy_blocks of Deployment/shop/cart",
        f"told: {text}",
        f"object PeerAuthentication/shop/strict: {text}",
        "facts: ShutOut caller=Deployment web, workload=Deployment cart",
    ]
    _strict(c, name="later")
    assert _first(c)[1] == f"told: {text}", "the first of several"


@pytest.mark.parametrize(
    ("mode", "proxied", "spec", "blocks"),
    [
        ("STRICT", ["cart"], {}, True),
        ("PERMISSIVE", ["cart"], {}, False),
        ("STRICT", ["web", "cart"], {}, False),
        ("STRICT", [], {}, False),
        ("STRICT", ["web"], {}, False),
        ("STRICT", ["cart"], {"selector": _selecting("shelf")}, False),
        ("STRICT", ["cart"], {"selector": _selecting("cart")}, True),
    ],
)
def test_mutual_tls_blocks_only_a_caller_without_proxy_at_a_callee_that_has_one(
    mode: str, proxied: list[str], spec: Obj, blocks: bool
) -> None:
    c = _called()
    _strict(c, "DISABLE", "first")
    for app in proxied:
        _proxied(c, app)
    _strict(c, mode, **spec)
    assert len(heads(find, c)) == blocks


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("istio-proxy", True),
        ("linkerd-proxy", True),
        ("envoy", True),
        ("envoy-sidecar", True),
        ("proxy", False),
    ],
)
def test_a_proxy_is_known_by_its_container_s_name(name: str, known: bool) -> None:
    c = shop("web")
    _proxied(c, "web", name)
    (workload,) = ClusterView(c.bundle()).workloads
    assert in_mesh(workload) is known


@pytest.mark.parametrize(
    ("line", "score"),
    [
        (f"dial cart: {_RESET}", 0.9),
        ("GET cart: 503 Service Unavailable", 0.9),
        ("GET cart: i/o timeout", 0.9),
        ("GET cart: connection refused", 0.55),
        (f"dial somebody: {_RESET}", 0.8),
        ("GET somebody: i/o timeout", 0.55),
    ],
)
def test_broken_connections_of_the_caller_make_mutual_tls_surer(line: str, score: float) -> None:
    c = _called()
    _proxied(c, "cart")
    _strict(c)
    c.log("web", line)
    lines = _first(c)
    assert lines[0] == f"{score:g} mesh_policy_blocks of Deployment/shop/cart"
    shown = [f"log Deployment/shop/web: {line}"] if score > 0.55 else []
    assert lines[3:-1] == shown


def test_of_several_broken_connections_the_last_one_to_the_callee_is_shown() -> None:
    c = _called()
    _proxied(c, "cart")
    _strict(c)
    c.log("web", f"1 cart: {_RESET}", f"2 cart: {_RESET}", f"3 elsewhere: {_RESET}")
    assert _first(c)[3:-1] == [f"log Deployment/shop/web: 2 cart: {_RESET}"]


def _route(c: Cluster, name: str = "route", **spec: Any) -> Obj:
    return c.add(
        "virtualservices",
        name,
        api="networking.istio.io/v1",
        kind="VirtualService",
        spec={"hosts": ["cart"], **spec},
    )


def _to(*targets: Obj, **rule: Any) -> Obj:
    return {"route": [{"destination": one} for one in targets], **rule}


def _defines(c: Cluster, host: str = "cart", **subsets: Obj | None) -> Obj:
    return c.add(
        "destinationrules",
        f"rule-{len(c.objects.get('destinationrules', []))}",
        spec={
            "host": host,
            "subsets": [
                {"name": name, **({"labels": labels} if labels else {})}
                for name, labels in subsets.items()
            ],
        },
    )


def test_a_subset_that_nobody_defines_is_told_with_those_that_have_pods() -> None:
    c = _called()
    _defines(c, v1={"app": "cart"}, v0={"app": "gone"}, all=None)
    good = {"host": "cart", "subset": "v1"}
    _route(c, http=[_to(good), _to(good, {"host": "cart", "subset": "v2"})])
    text = "mesh.subset.not_defined host=cart, route=route, subset=v2"
    assert whole(find, c) == [
        "0.88 mesh_policy_blocks of Deployment/shop/cart",
        f"told: {text}",
        f"object VirtualService/shop/route: {text}",
        "facts: LostSubset alive=[all, v1], path=spec.http[1].route[1].destination.subset,"
        " route=object route, workload=Deployment cart",
    ]


def test_the_first_workload_behind_the_service_stands_for_it_and_later_routes_are_read() -> None:
    c = _called()
    for app in ("cart", "shelf"):
        c.pod(app)["metadata"]["labels"]["tier"] = "back"
        c.get("deployments", app)["spec"]["template"]["metadata"]["labels"]["tier"] = "back"
    c.get("services", "cart")["spec"]["selector"] = {"tier": "back"}
    _defines(c, v1={"tier": "back"})
    good = {"host": "cart", "subset": "v1"}
    _route(c, http=[_to({"host": "cart"}), _to(good), _to({"host": "cart", "subset": "v2"})])
    (one,) = found(find, c)
    assert (one.object.name, one.facts.workload.name) == ("cart", "cart")


def test_a_subset_without_pods_is_told_as_such() -> None:
    c = _called()
    _defines(c, v0={"app": "gone"})
    _route(c, http=[_to({"host": "cart.shop.svc.cluster.local", "subset": "v0"})])
    host = "cart.shop.svc.cluster.local"
    assert whole(find, c)[1] == f"told: mesh.subset.no_pod host={host}, route=route, subset=v0"


def test_a_subset_whose_pods_are_not_ready_has_none() -> None:
    c = _called()
    _defines(c, v1={"app": "cart"})
    _route(c, http=[_to({"host": "cart", "subset": "v1"})])
    assert heads(find, c) == []
    c.stopped("cart")
    assert heads(find, c) == ["0.88 mesh_policy_blocks of Deployment/shop/cart"]


@pytest.mark.parametrize(
    ("target", "lost"),
    [
        ({"host": "cart", "subset": "v2"}, True),
        ({"host": "cart"}, False),
        ({"subset": "v2"}, False),
        ({"host": "nobody", "subset": "v2"}, False),
        ({"host": "pay.example.org", "subset": "v2"}, False),
    ],
)
def test_only_a_subset_of_a_service_with_workloads_can_be_lost(target: Obj, lost: bool) -> None:
    c = _called()
    _defines(c, v1={"app": "cart"})
    _route(c, http=[_to(target)])
    assert len(heads(find, c)) == lost


def test_subsets_of_rules_that_were_not_collected_are_not_lost() -> None:
    c = _called()
    _route(c, http=[_to({"host": "cart", "subset": "v2"})])
    assert heads(find, c) == []


def test_subsets_are_those_that_any_rule_of_the_service_defines() -> None:
    c = _called()
    _defines(c, "shelf", v2={"app": "cart"})
    _defines(c, "cart", v1={"app": "cart"})
    _route(c, http=[_to({"host": "cart", "subset": "v2"})])
    assert len(heads(find, c)) == 1
    _defines(c, "cart.shop.svc", v2={"app": "cart"})
    assert heads(find, c) == []


def test_a_route_of_another_namespace_than_the_alert_s_is_left_alone() -> None:
    c = _called()
    _defines(c, v1={"app": "cart"})
    route = _route(c, http=[_to({"host": "cart.shop.svc", "subset": "v2"})])
    route["metadata"]["namespace"] = "other"
    assert heads(find, c) == []
    c.objects["pods"].append({"metadata": {"name": "p", "namespace": "other"}})
    assert len(heads(find, everywhere(c.bundle()))) == 1


def test_destinations_are_read_of_every_protocol_with_their_places() -> None:
    route = {
        "spec": {
            "http": [{"route": [{"destination": {"host": "a"}}, {"weight": 1}]}],
            "tcp": [{}, {"route": [{"destination": {"host": "b"}}]}],
            "tls": [{"route": [{"destination": {"host": "c"}}]}],
        }
    }
    assert list(destinations(route)) == [
        ("spec.http[0].route[0].destination", {"host": "a"}),
        ("spec.http[0].route[1].destination", {}),
        ("spec.tcp[1].route[0].destination", {"host": "b"}),
        ("spec.tls[0].route[0].destination", {"host": "c"}),
    ]


def _fault(kind: str, share: object = None) -> Obj:
    made: Obj = {"httpStatus": 500} if kind == "abort" else {"fixedDelay": "5s"}
    return {"fault": {kind: made | ({} if share is None else {"percentage": {"value": share}})}}


@pytest.mark.parametrize(("kind", "word"), [("abort", "aborts"), ("delay", "delays")])
def test_a_fault_that_a_route_injects_is_told_with_its_share_and_place(
    kind: str, word: str
) -> None:
    c = _called()
    _route(c, http=[_to({"host": "cart"}), _to({"host": "cart"}, **_fault(kind, 40))])
    text = f"mesh.fault.{word} route=route, share=40, target=Deployment/shop/cart"
    assert whole(find, c) == [
        "0.9 mesh_policy_blocks of Deployment/shop/cart",
        f"told: {text}",
        f"object VirtualService/shop/route: {text}",
        f"facts: InjectedFault delays={kind == 'delay'}, path=spec.http[1].fault.{kind},"
        " route=object route, workload=Deployment cart",
    ]


@pytest.mark.parametrize(
    ("share", "told"), [(None, 100), (100, 100), (1, 1), (0, 0), (0.5, 0), (-1, 0)]
)
def test_a_fault_without_a_share_is_injected_into_all_and_of_none_into_none(
    share: float | None, told: int
) -> None:
    c = _called()
    _route(c, http=[_to({"host": "cart"}, **_fault("abort", share))])
    shares = [str(one.detail).split("%")[0].split()[-1] for one in found(find, c)]
    assert shares == ([str(told)] if told else [])


def test_both_faults_of_a_rule_are_told() -> None:
    c = _called()
    both = {"fault": {**_fault("abort")["fault"], **_fault("delay")["fault"]}}
    _route(c, http=[_to({"host": "cart"}, **both)])
    assert [one.facts.delays for one in found(find, c)] == [False, True]


@pytest.mark.parametrize(
    ("hosts", "target", "suffers"),
    [
        (["cart"], "shelf", "cart"),
        (["shop.example.org"], "shelf", "shelf"),
        (["shop.example.org", "nobody"], "nobody", None),
        ([], "cart", "cart"),
    ],
)
def test_a_fault_concerns_the_first_host_that_is_somebody_here(
    hosts: list[str], target: str, suffers: str | None
) -> None:
    c = _called()
    _route(c, hosts=hosts, http=[_to({"host": target}, **_fault("abort"))])
    assert [one.object.name for one in found(find, c)] == ([suffers] if suffers else [])


def test_a_proxy_that_denies_by_a_policy_nobody_collected_is_told_at_the_callee_it_names() -> None:
    c = shop("web", "cart", "shelf")
    c.log("web", f"1 shelf {_DENIED}", f"2 cart:8080 {_DENIED} after shelf")
    line = f"2 cart:8080 {_DENIED} after shelf"
    assert whole(find, c) == [
        "0.75 mesh_policy_blocks of Deployment/shop/cart",
        f"told: {line}",
        f"log Deployment/shop/web: {line}",
        "facts: ShutOut workload=Deployment cart",
    ]


def test_a_proxy_that_denies_and_names_nobody_is_told_at_its_own_workload() -> None:
    c = shop("web", "cart")
    c.log("web", "GET cart: i/o timeout")
    c.log("cart", _DENIED)
    assert heads(find, c) == ["0.75 mesh_policy_blocks of Deployment/shop/cart"]


@pytest.mark.parametrize(("down", "guesses"), [(False, 1), (True, 0)])
def test_a_policy_that_is_felt_makes_the_guess_needless(down: bool, guesses: int) -> None:
    c = _denying()
    if down:
        c.stopped("web")
    c.log("shelf", f"somebody: {_DENIED}")
    told = [one for one in heads(find, c) if one.startswith("0.75 ")]
    assert len(told) == guesses


def test_a_weak_policy_after_a_felt_one_does_not_bring_the_guess_back() -> None:
    c = shop("web", "cart", "shelf")
    c.calls("web", "cart")
    c.calls("web", "shelf")
    _policy(c, rules=_OTHERS)
    c.log("web", "GET cart: 503 Service Unavailable", f"somebody: {_DENIED}")
    assert _kinds(c) == [
        "0.95 mesh_policy_blocks of Deployment/shop/cart",
        "0.95 mesh_policy_blocks of Deployment/shop/shelf",
    ]


@pytest.mark.parametrize("plural", ["authorizationpolicies", "peerauthentications"])
def test_either_kind_of_policy_alone_is_enough_to_look_at(plural: str) -> None:
    c = _called()
    if plural == "authorizationpolicies":
        _policy(c, rules=_OTHERS)
    else:
        _proxied(c, "cart")
        _strict(c)
    assert len(heads(find, c)) == 1
