"""What is drafted for Services, the addresses of their callers, and names."""

from __future__ import annotations

from typing import Any

from decide.core.families.services import plans
from decide.core.families.services.facts import (
    AbsentService,
    DnsSettings,
    OtherPort,
    OtherProtocol,
    SelectsNothing,
    WrongAddress,
)
from decide.core.graph import Address
from schemas.base import ObjectRef
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import (
    BACK,
    changed_lately,
    drafted,
    pod_spec,
    shop,
    workload_of,
)

_REF = ObjectRef(api_version="v1", kind="Service", namespace="shop", name="web")


def _selecting(cluster: Cluster, selector: dict[str, str]) -> list[str]:
    service = cluster.get("services", "web")
    service["spec"]["selector"] = selector
    return drafted(
        plans.selector, cluster, lambda w, _: SelectsNothing(workload=w, service=service), at=_REF
    )


def test_a_service_selects_what_the_controller_selects() -> None:
    assert _selecting(shop(), {"app": "wbe", "tier": "x"}) == [
        "set_service_selector 0.92 services.selector.title selector=app=web service=web",
        "  why drafting.because detail=seen",
        "  risk services.old_clients",
        "  time drafting.time.seconds",
        '  v1 Service/shop/web spec.selector.app: "wbe" → "web"',
        '  v1 Service/shop/web spec.selector.tier: - "x"',
    ]


def test_a_service_selects_the_labels_of_the_pods_where_the_controller_states_no_selector() -> None:
    cluster = shop()
    spec = cluster.get("deployments", "web")["spec"]
    del spec["selector"]
    spec["template"]["metadata"]["labels"] = {"name": "web"}
    assert _selecting(cluster, {"app": "web"}) == [
        "set_service_selector 0.92 services.selector.title selector=name=web service=web",
        "  why drafting.because detail=seen",
        "  risk services.old_clients",
        "  time drafting.time.seconds",
        '  v1 Service/shop/web spec.selector.name: + "web"',
        '  v1 Service/shop/web spec.selector.app: - "web"',
    ]
    spec["template"]["metadata"]["labels"] = {}
    assert _selecting(cluster, {"app": "web"}) == []


def test_the_selector_that_the_repository_declares_is_the_one_that_changes() -> None:
    cluster = shop()
    cluster.declared.append(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"selector": {"ap": "web"}},
        }
    )
    assert _selecting(cluster, {"app": "wbe"})[4:] == [
        '  v1 Service/shop/web spec.selector.app: + "web"',
        '  v1 Service/shop/web spec.selector.ap: - "web"',
    ]


def _ported(cluster: Cluster, entry: dict[str, Any], protocol: str = "") -> list[str]:
    service = cluster.get("services", "web")
    service["spec"]["ports"] = [{"port": 1, "name": "other"}, entry]
    if protocol:
        return drafted(
            plans.protocol,
            cluster,
            lambda w, _: OtherProtocol(workload=w, service=service, port=entry, protocol=protocol),
            at=_REF,
        )
    return drafted(
        plans.port,
        cluster,
        lambda w, _: OtherPort(workload=w, service=service, port=entry),
        at=_REF,
    )


def _listening() -> Cluster:
    cluster = shop()
    cluster.container("web")["ports"] = [
        {"containerPort": 7000},
        {"containerPort": 7001, "name": "http"},
        {"containerPort": 7002, "name": "metrics"},
        {"containerPort": 80, "name": "plain"},
    ]
    return cluster


def test_a_services_port_leads_to_the_one_of_its_number_then_to_the_one_of_its_name() -> None:
    entry = {"port": 80, "name": "http", "targetPort": 8081}
    assert _ported(_listening(), entry) == [
        "set_service_port 0.92 services.port.title port=80 service=web",
        "  why services.listens detail=seen port=80",
        "  risk services.old_clients",
        "  time drafting.time.seconds",
        "  v1 Service/shop/web spec.ports[name=http].targetPort: 8081 → 80",
        "set_service_port 0.67 services.port.title port=7001 service=web",
        "  why services.listens detail=seen port=7001",
        "  risk services.old_clients",
        "  time drafting.time.seconds",
        "  v1 Service/shop/web spec.ports[name=http].targetPort: 8081 → 7001",
    ]


def test_a_services_port_without_a_name_is_known_by_its_place() -> None:
    assert _ported(_listening(), {"port": 9, "targetPort": 8081}) == [
        "set_service_port 0.92 services.port.title port=7000 service=web",
        "  why services.listens detail=seen port=7000",
        "  risk services.old_clients",
        "  time drafting.time.seconds",
        "  v1 Service/shop/web spec.ports[1].targetPort: 8081 → 7000",
        "set_service_port 0.67 services.port.title port=7001 service=web",
        "  why services.listens detail=seen port=7001",
        "  risk services.old_clients",
        "  time drafting.time.seconds",
        "  v1 Service/shop/web spec.ports[1].targetPort: 8081 → 7001",
    ]


def test_ports_of_all_containers_count() -> None:
    cluster = shop()
    cluster.container("web")["ports"] = []
    pod_spec(cluster)["containers"].append({"name": "side", "ports": [{"containerPort": 7}]})
    entry = {"port": 9, "name": "http", "targetPort": 8}
    assert [x for x in _ported(cluster, entry) if "→" in x] == [
        "  v1 Service/shop/web spec.ports[name=http].targetPort: 8 → 7",
    ]


def test_a_services_port_has_the_containers_protocol() -> None:
    assert _ported(shop(), {"port": 9, "name": "http", "protocol": "TCP"}, "UDP") == [
        "set_service_port 0.92 services.protocol.title protocol=UDP service=web",
        "  why drafting.because detail=seen",
        "  risk services.old_clients",
        "  time drafting.time.seconds",
        '  v1 Service/shop/web spec.ports[name=http].protocol: "TCP" → "UDP"',
    ]
    assert (
        _ported(shop(), {"port": 9, "name": 5}, "SCTP")[-1]
        == '  v1 Service/shop/web spec.ports[1].protocol: + "SCTP"'
    )


def _address(
    value: str,
    host: str,
    port: int | None,
    *,
    near: str = "cart",
    namespace: str = "",
    config: str = "",
    key: str = "CART_URL",
    ports: tuple[int, ...] = (8080,),
    literal: bool = True,
) -> list[str]:
    cluster = shop("web", "cart")
    cluster.get("services", "cart")["spec"]["ports"] = [{"port": one} for one in ports]
    cluster.container("web")["env"] = [{"name": "CART_URL", "value": value}]
    cluster.add("configmaps", "settings", data={key: value})
    changed_lately(cluster)
    found = Address(
        host=host,
        port=port,
        path="" if config or not literal else "containers[name=main].env[name=CART_URL].value",
        key="CART_URL",
        value=value,
        container="main",
        config=config,
        config_key=key if config else "",
    )
    return drafted(
        plans.address,
        cluster,
        lambda w, _: WrongAddress(workload=w, address=found, near=near, namespace=namespace),
    )


def test_the_host_of_an_address_becomes_that_of_the_service_that_exists() -> None:
    assert _address("http://crat:8080/crat", "crat", 8080) == [
        "set_env 0.88 services.address.title key=CART_URL value=http://cart:8080/crat",
        "  why services.address.why detail=seen port=8080 service=cart",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=CART_URL].value: "http://crat:8080/crat" → "http://cart:8080/crat"',
        "rollback_revision 0.85 drafting.back.title revision=1 workload=web",
        "  why drafting.back.why count=1 name=web-before revision=1",
        "  risk drafting.risk.only_change",
        '  apps/v1 Deployment/shop/web :containers[name=main].env: [{"name": "CART_URL", "value": "http://crat:8080/crat"}, {"name": "NEW", "value": "x"}] → [{"name": "CART_URL", "value": "http://crat:8080/crat"}]',
    ]


def test_a_port_that_the_service_does_not_have_becomes_its_first() -> None:
    found = _address("crat:9:9", "crat", 9, ports=(80, 8080))
    assert found[:5] == [
        "set_env 0.88 services.address.title key=CART_URL value=cart:80:9",
        "  why services.address.why detail=seen port=80 service=cart",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=CART_URL].value: "crat:9:9" → "cart:80:9"',
        "rollback_revision 0.85 drafting.back.title revision=1 workload=web",
    ]


def test_a_port_that_the_service_has_or_that_nobody_can_know_stays() -> None:
    assert (
        _address("crat:81", "crat", 81, ports=(80, 81))[3]
        == '  apps/v1 Deployment/shop/web :containers[name=main].env[name=CART_URL].value: "crat:81" → "cart:81"'
    )
    assert (
        _address("crat:81", "crat", 81, ports=())[3]
        == '  apps/v1 Deployment/shop/web :containers[name=main].env[name=CART_URL].value: "crat:81" → "cart:81"'
    )


def test_just_the_host_of_an_address_changes_and_no_word_that_looks_like_it() -> None:
    for value, host, port, after in (
        ("postgres://postgres:5432/postgres", "postgres", 5432, "postgres://cart:8080/postgres"),
        ("mongodb://db:27017", "db", 27017, "mongodb://cart:8080"),
        ("amqp://mq:mq@mq/mq", "mq", None, "amqp://mq:mq@cart/mq"),
        ("amqp://mq@mq", "mq", None, "amqp://mq@cart"),
        ("http://u:99@crat:99/x", "crat", 99, "http://u:99@cart:8080/x"),
        ("crat-0:9,crat:99,crat:9", "crat", 9, "crat-0:9,crat:99,cart:8080"),
        ("amqp://u:p@crat:99,u:p@two:99", "crat", 99, "amqp://u:p@cart:8080,u:p@two:99"),
        ("x.crat:9 crat.x:9 crat:9", "crat", 9, "x.crat:9 crat.x:9 cart:8080"),
    ):
        assert _address(value, host, port)[3].endswith(f'"{value}" → "{after}"'), value


def test_an_address_without_a_port_stays_without() -> None:
    assert _address("crat", "crat", None)[:4] == [
        "set_env 0.88 services.address.title key=CART_URL value=cart",
        "  why services.address.why detail=seen port=8080 service=cart",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=CART_URL].value: "crat" → "cart"',
    ]
    assert _address("crat", "crat", None, ports=())[:4] == [
        "set_env 0.88 services.address.title key=CART_URL value=cart",
        "  why services.address.why_exists detail=seen service=cart",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=CART_URL].value: "crat" → "cart"',
    ]


def test_the_rest_of_a_host_stays_but_for_the_namespace_that_is_meant() -> None:
    value = "crat.bnak.svc.cluster.local:8080"
    start = "  apps/v1 Deployment/shop/web :containers[name=main].env[name=CART_URL].value: "
    for namespace, after in (("bank", "cart.bank"), ("", "cart.bnak")):
        told = _address(value, value[:-5], 8080, namespace=namespace)
        (line,) = [one for one in told if one.startswith(start)]
        assert line == f'{start}"{value}" → "{after}.svc.cluster.local:8080"'
    bare = _address(
        "crat:8080", "crat", 8080, namespace="bank"
    )  # alone it would be looked for here
    assert bare[4] == f'{start}"crat:8080" → "cart.bank:8080"'
    assert "  risk services.address.next_door" in bare
    two = _address("crat.bnak:8080", "crat.bnak", 8080, namespace="bank")
    assert two[4] == f'{start}"crat.bnak:8080" → "cart.bank:8080"'


def test_an_address_from_a_config_map_is_changed_there_and_pods_have_to_be_restarted() -> None:
    assert _address("crat:8080", "crat", 8080, config="settings") == [
        "set_env 0.88 services.address.title key=CART_URL value=cart:8080",
        "  why services.address.why detail=seen port=8080 service=cart",
        "  risk services.address.restart_them",
        '  v1 ConfigMap/shop/settings data.CART_URL: "crat:8080" → "cart:8080"',
        "rollback_revision 0.85 drafting.back.title revision=1 workload=web",
        "  why drafting.back.why count=1 name=web-before revision=1",
        "  risk drafting.risk.only_change",
        '  apps/v1 Deployment/shop/web :containers[name=main].env: [{"name": "CART_URL", "value": "crat:8080"}, {"name": "NEW", "value": "x"}] → [{"name": "CART_URL", "value": "crat:8080"}]',
    ]
    assert (
        _address("crat:8080", "crat", 8080, config="settings", key="cart.url")[3]
        == '  v1 ConfigMap/shop/settings data[\'cart.url\']: "crat:8080" → "cart:8080"'
    )


def test_an_address_that_nobody_can_mend_is_just_a_reason_to_go_back() -> None:
    for case in ({"near": ""}, {"literal": False}):
        found = _address("crat:8080", "crat", 8080, **case)
        assert [x.split()[0] for x in found if not x.startswith(" ")] == ["rollback_revision"]


def _absent(
    *ports: int,
    asked: int | None = None,
    declared: bool = False,
    name: str = "web-api",
    labels: bool = True,
) -> list[str]:
    cluster = shop("web", "cart")
    cluster.container("web")["ports"] = [{"containerPort": one} for one in ports]
    if not labels:
        del cluster.get("deployments", "web")["spec"]["selector"]
    return drafted(
        plans.service,
        cluster,
        lambda w, view: AbsentService(
            workload=w,
            caller=workload_of(view, "cart"),
            name=name,
            declared=declared,
            port=asked,
        ),
    )


def test_a_service_is_made_of_what_callers_ask_for_and_what_the_container_offers() -> None:
    assert _absent(8080, 9090, asked=9090) == [
        "create_object 0.82 services.missing.title service=web-api",
        "  why services.listens detail=seen port=9090",
        "  risk services.missing.risk",
        "  time drafting.time.seconds",
        '  create v1 Service/shop/web-api beside Deployment/shop/web: {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web-api", "namespace": "shop"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 9090, "targetPort": 9090}]}}',
    ]


def test_a_port_that_is_asked_for_leads_to_the_only_one_that_is_offered() -> None:
    assert '"ports": [{"port": 80, "targetPort": 8080}]' in _absent(8080, 8080, asked=80)[-1]
    assert '"ports": [{"port": 8080, "targetPort": 8080}]' in _absent(8080)[-1]


def test_no_service_is_made_where_it_is_declared_or_something_of_it_is_not_known() -> None:
    assert _absent(8080, 9090, asked=80) == []
    assert _absent(asked=80) == []
    assert _absent(8080, declared=True) == []
    assert _absent(8080, name="") == []
    assert _absent(8080, labels=False) == []


def _dns(
    policy: str,
    *servers: str,
    config: dict[str, Any] | None = None,
    cluster_dns: str = "10.0.0.10",
) -> list[str]:
    cluster = shop()
    spec = pod_spec(cluster)
    spec["dnsPolicy"] = policy
    if config is not None:
        spec["dnsConfig"] = config
    service = cluster.add("services", "kube-dns", spec={"clusterIP": cluster_dns})
    service["metadata"]["namespace"] = "kube-system"
    another = cluster.add("services", "node-local-dns", spec={"clusterIP": "169.254.20.10"})
    another["metadata"]["namespace"] = "kube-system"
    changed_lately(cluster)
    return drafted(
        plans.dns, cluster, lambda w, _: DnsSettings(workload=w, policy=policy, servers=servers)
    )


def test_pods_ask_the_clusters_dns_again_or_before_the_servers_that_they_name() -> None:
    config = {"nameservers": ["8.8.8.8"], "options": [{"name": "ndots"}]}
    assert _dns("None", "8.8.8.8", config=config) == [
        "other 0.85 services.dns.title workload=web",
        "  why services.dns.why detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :dnsPolicy: "None" → "ClusterFirst"',
        '  apps/v1 Deployment/shop/web :dnsConfig: {"nameservers": ["8.8.8.8"], "options": [{"name": "ndots"}]} → {"options": [{"name": "ndots"}]}',
        "other 0.68 services.dns.first_title server=10.0.0.10",
        "  why services.dns.first_why detail=seen server=10.0.0.10",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :dnsConfig.nameservers: ["8.8.8.8"] → ["10.0.0.10", "8.8.8.8"]',
        *BACK,
    ]


def test_a_dns_config_of_nothing_but_servers_goes_whole() -> None:
    config = {"nameservers": ["8.8.8.8"]}
    assert _dns("ClusterFirst", "8.8.8.8", config=config)[:5] == [
        "other 0.85 services.dns.title workload=web",
        "  why services.dns.why detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :dnsConfig: - {"nameservers": ["8.8.8.8"]}',
        "other 0.68 services.dns.first_title server=10.0.0.10",
    ]


def test_a_policy_alone_is_changed_where_no_servers_are_named() -> None:
    assert _dns("Default") == [
        "other 0.85 services.dns.title workload=web",
        "  why services.dns.why detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :dnsPolicy: "Default" → "ClusterFirst"',
        *BACK,
    ]


def test_pods_that_ask_the_clusters_dns_already_can_just_go_back() -> None:
    assert _dns("ClusterFirst") == BACK


def test_the_clusters_dns_is_not_put_first_where_it_is_named_already_or_has_no_address() -> None:
    for own, servers in (
        ("8.8.8.8", ("1.1.1.1", "8.8.8.8")),
        ("None", ("8.8.8.8",)),
        ("", ("8.8.8.8",)),
    ):
        config = {"nameservers": list(servers)}
        found = _dns("None", *servers, config=config, cluster_dns=own)
        assert [x for x in found if x.startswith("other")] == [
            "other 0.85 services.dns.title workload=web",
        ]
