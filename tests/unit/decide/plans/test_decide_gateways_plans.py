"""What is drafted for routes that lead nowhere, or elsewhere than they should."""

from __future__ import annotations

from typing import Any

from decide.core.families.gateways import plans
from decide.core.families.gateways.facts import ConfiguredRoute, DeclaredRoute, Route, WrongRoute
from schemas.base import ObjectRef
from tests.support.decide.drafted import Builder, drafted, shop

_REF = ObjectRef(api_version="networking.k8s.io/v1", kind="Ingress", namespace="shop", name="front")
_CONFIG = ObjectRef(api_version="v1", kind="ConfigMap", namespace="shop", name="gateway")
_INGRESS: dict[str, Any] = {
    "metadata": {"name": "front", "namespace": "shop"},
    "spec": {
        "ingressClassName": "ngin",
        "rules": [{"http": {"paths": [{"backend": {"service": {"name": "wbe"}}}]}}],
    },
}
_PLACE = "spec.rules[0].http.paths[0].backend.service.name"


def _declared(builder: Builder, right: str | int, place: str) -> list[str]:
    return drafted(
        builder, shop(), lambda *_: DeclaredRoute(right=right, obj=_INGRESS, place=place), at=_REF
    )


def test_the_backend_that_exists_is_named_where_the_wrong_one_is() -> None:
    assert _declared(plans.route, "web", _PLACE) == [
        "other 0.85 gateways.backend.title right=web route=front",
        "  why gateways.backend.why detail=seen right=web",
        "  risk drafting.risk.route_owner",
        "  time drafting.time.seconds",
        '  networking.k8s.io/v1 Ingress/shop/front spec.rules[0].http.paths[0].backend.service.name: "wbe" → "web"',
    ]


def test_a_port_stays_a_number() -> None:
    assert (
        _declared(plans.route, 8080, _PLACE)[-1]
        == '  networking.k8s.io/v1 Ingress/shop/front spec.rules[0].http.paths[0].backend.service.name: "wbe" → 8080'
    )


def test_a_route_stays_where_nobody_knows_what_is_right_or_which_field_is_wrong() -> None:
    for builder in (plans.route, plans.front):
        assert _declared(builder, "", _PLACE) == []
        assert _declared(builder, "web", "") == []
    assert drafted(plans.route, shop(), lambda *_: WrongRoute(right="web"), at=_REF) == []


def test_the_class_that_the_cluster_serves_is_named() -> None:
    assert _declared(plans.front, "nginx", "spec.ingressClassName") == [
        "other 0.8 gateways.host.title right=nginx route=front",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.route_owner",
        "  time drafting.time.seconds",
        '  networking.k8s.io/v1 Ingress/shop/front spec.ingressClassName: "ngin" → "nginx"',
    ]


_TEXT = (
    "routes:\n"
    "- id: pay\n  uri: lb://pay\n  predicates: [Path=/pay/**]\n"
    "- id: web\n  {key}: {url}\n  predicates: [Path=/web/**]\n"
    "- id: cart\n  uri: lb://cart\n  predicates: [Path=/cart/**]\n"
)


def _configured(
    url: str,
    *,
    key: str = "uri",
    backend: str = "pay",
    right: str = "web",
    path: str = "/web/**",
    where: str = "application.yml",
    declared: str = "",
) -> list[str]:
    cluster = shop()
    text = _TEXT.format(key=key, url=url)
    cluster.add("configmaps", "gateway", kind="ConfigMap", data={"application.yml": text})
    if declared:
        cluster.declared.append(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "gateway", "namespace": "shop"},
                "data": {"application.yml": declared},
            }
        )
    route = Route(owner=_CONFIG, name="web", path=path, backend=backend, where=where)
    return drafted(
        plans.route, cluster, lambda w, _: ConfiguredRoute(workload=w, route=route, right=right)
    )


def test_the_address_above_the_routes_path_is_exchanged_and_no_other() -> None:
    assert _configured("lb://pay") == [
        "other 0.8 gateways.configured.title path=/web/** right=web",
        "  why drafting.because detail=seen",
        "  risk gateways.configured.risk",
        '  v1 ConfigMap/shop/gateway data[\'application.yml\']: "routes:\\n- id: pay\\n  uri: lb://pay\\n  predicates: [Path=/pay/**]\\n- id: web\\n  uri: lb://pay\\n  predicates: [Path=/web/**]\\n- id: cart\\n  uri: lb://cart\\n  predicates: [Path=/cart/**]\\n" → "routes:\\n- id: pay\\n  uri: lb://pay\\n  predicates: [Path=/pay/**]\\n- id: web\\n  uri: lb://web\\n  predicates: [Path=/web/**]\\n- id: cart\\n  uri: lb://cart\\n  predicates: [Path=/cart/**]\\n"',
    ]


def test_an_address_is_exchanged_however_it_is_written() -> None:
    for url, after in (
        ("http://pay.shop.svc:80", "http://web:80"),
        ("'https://pay/v1'", "'https://web/v1'"),
        ("lb://${PAY:pay}", "lb://web"),
    ):
        for key in ("uri", "url"):
            last = _configured(url, key=key)[-1]
            assert f"\\n  {key}: {after}\\n" in last.partition(" → ")[2], last


def test_a_configuration_stays_where_the_address_above_is_not_the_routes() -> None:
    assert _configured("lb://elsewhere") == []


def test_a_configuration_stays_where_the_path_the_key_or_the_right_name_is_not_known() -> None:
    assert _configured("lb://pay", path="/nothing/**") == []
    assert _configured("lb://pay", where="other.yml") == []
    assert _configured("lb://pay", right="") == []


def test_a_path_at_the_very_start_has_no_address_above() -> None:
    assert _configured("lb://pay", path="/web/**", declared="Path=/web/**\nuri: lb://pay") == []


def test_the_configuration_that_the_repository_declares_is_the_one_that_changes() -> None:
    declared = "- uri: lb://pay\n  predicates: [Path=/web/**]\n"
    assert (
        _configured("lb://x", declared=declared)[-1]
        == '  v1 ConfigMap/shop/gateway data[\'application.yml\']: "- uri: lb://pay\\n  predicates: [Path=/web/**]\\n" → "- uri: lb://web\\n  predicates: [Path=/web/**]\\n"'
    )
