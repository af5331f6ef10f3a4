"""What the rules of routes find, in objects and in the configuration of gateways, and where they stay silent."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from decide.core.families.gateways.rules.configured import find as configured
from decide.core.families.gateways.rules.references import find
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import everywhere, found, heads, shop, whole


def _ingress(c: Cluster, *services: Obj | None, **spec: Any) -> Obj:
    paths = [{"backend": {"service": one} if one else {"resource": {}}} for one in services]
    rules = [{"host": "x"}, {"http": {"paths": paths}}] if services else []
    return c.add("ingresses", "edge", api="", kind="Ingress", spec={**({"rules": rules}), **spec})


def _service(service: str = "web", **port: object) -> Obj:
    return {"name": service, "port": port or {"number": 8080}}


def test_routes_to_services_and_ports_that_exist_are_nothing_to_tell() -> None:
    c = shop("web", "cart")
    _ingress(
        c, _service(), None, _service("cart", name="main"), defaultBackend={"service": _service()}
    )
    assert heads(find, c) == []


def test_an_ingress_to_a_service_that_does_not_exist_is_told_with_the_nearest() -> None:
    c = shop("web", "cart", "shelf")
    _ingress(c, _service(), None, _service("crat"))
    ref = "Ingress/shop/edge"
    text = f"gateways.backend.no_service route={ref}, service=crat"
    assert whole(find, c) == [
        f"0.9 route_backend_mismatch of {ref}",
        f"told: {text}",
        f"object {ref}: {text}",
        "facts: DeclaredRoute obj=object edge,"
        " place=spec.rules[1].http.paths[2].backend.service.name, right=cart",
    ]
    assert found(find, c)[0].object.api_version == "networking.k8s.io/v1"


def test_the_default_backend_of_an_ingress_is_read_too() -> None:
    c = shop("web")
    _ingress(c, defaultBackend={"service": _service("wev", number=8080)})
    assert whole(find, c)[-1] == (
        "facts: DeclaredRoute obj=object edge, place=spec.defaultBackend.service.name, right="
    )
    c = shop("web")
    _ingress(c, defaultBackend={"service": _service(number=81)})
    assert whole(find, c)[-1] == (
        "facts: DeclaredRoute obj=object edge, place=spec.defaultBackend.service.port.number,"
        " right=8080"
    )


@pytest.mark.parametrize(
    ("named", "near", "score"),
    [
        ("website", "web", 0.9),  # its name stands in it
        ("webu", "web", 0.9),
        ("we", "web", 0.9),  # four letters of five
        ("wwwebbb", "web", 0.9),
        ("carg", "cart", 0.9),
        ("abcdefgpqr", "abcdefgxyz", 0.9),  # seven letters of ten
        ("abcdefpqrs", "", 0.85),  # six of ten
    ],
)
def test_a_service_is_near_from_seven_letters_of_ten_or_when_its_name_is_in_the_other(
    named: str, near: str, score: float
) -> None:
    c = shop("cart", "web", "abcdefgxyz")
    c.add("services", "elsewhere", spec={})["metadata"] |= {"name": named, "namespace": "other"}
    _ingress(c, _service(named))
    (one,) = found(find, c)
    assert (one.facts.right, one.score) == (near, score)


def test_without_any_service_none_is_near_and_services_not_collected_are_not_missing() -> None:
    c = shop()
    _ingress(c, _service())
    assert heads(find, c) == ["0.85 route_backend_mismatch of Ingress/shop/edge"]
    del c.objects["services"]
    assert heads(find, c) == []


def _ports(c: Cluster, *ports: Obj) -> None:
    c.get("services", "web")["spec"]["ports"] = list(ports)


@pytest.mark.parametrize(
    ("asked", "ports", "right", "place"),
    [
        ({"number": 81}, [{"port": 9090}, {"port": 8080}], 9090, "number"),
        ({"number": 8080}, [{"port": 9090}, {"port": 8080}], None, ""),
        ({"name": "http"}, [{"port": 80}, {"name": "main", "port": 81}], "main", "name"),
        ({"name": "main"}, [{"port": 80}, {"name": "main", "port": 81}], None, ""),
        ({"name": "http"}, [{"port": 80}], "", "name"),
        ({"number": 81}, [{"port": 0}, {"port": 80}], 80, "number"),
        ({"number": 81}, [], None, ""),
        ({"name": "http", "number": 80}, [{"port": 80}], "", "name"),
        ({"other": 1}, [{"port": 80}], None, ""),
    ],
)
def test_a_port_must_be_one_of_the_service_s_by_number_or_by_name(
    asked: Obj, ports: list[Obj], right: object, place: str
) -> None:
    c = shop("web")
    _ports(c, *ports)
    _ingress(c, {"name": "web", "port": asked})
    told = [(one.facts.right, one.facts.place.rpartition(".")[2]) for one in found(find, c)]
    assert told == ([] if right is None else [(right, place)])


def test_the_ports_that_a_service_has_are_told_in_order() -> None:
    c = shop("web")
    _ports(c, {"port": 9090, "name": "b"}, {"port": 8081, "name": "a"})
    _ingress(c, _service(number=81))
    ref = "Ingress/shop/edge"
    text = (
        f"gateways.backend.no_port count=2, port=81, ports=[8081, 9090], route={ref}, service=web"
    )
    assert whole(find, c) == [
        f"0.9 route_backend_mismatch of {ref}",
        f"told: {text}",
        f"object {ref}: {text}",
        "facts: DeclaredRoute obj=object edge,"
        " place=spec.rules[1].http.paths[0].backend.service.port.number, right=9090",
    ]


def _route(c: Cluster, kind: str, *backends: Obj) -> Obj:
    return c.add(
        f"{kind.lower()}s",
        "path",
        api="gateway.networking.k8s.io/v1",
        kind=kind,
        spec={"rules": [{}, {"backendRefs": list(backends)}]},
    )


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"])
def test_routes_of_the_gateway_api_are_read_with_their_places(kind: str) -> None:
    c = shop("web")
    good = {"name": "web", "port": 8080}
    _route(
        c, kind, good, {"name": "wev", "port": 8080}, {"kind": "Service", "name": "web", "port": 81}
    )
    ref = f"{kind}/shop/path"
    assert [line for line in whole(find, c) if line.startswith(("0.", "facts"))] == [
        f"0.85 route_backend_mismatch of {ref}",
        "facts: DeclaredRoute obj=object path, place=spec.rules[1].backendRefs[1].name, right=",
        f"0.9 route_backend_mismatch of {ref}",
        "facts: DeclaredRoute obj=object path, place=spec.rules[1].backendRefs[2].port, right=8080",
    ]
    assert found(find, c)[0].object.api_version == "gateway.networking.k8s.io/v1"


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ({"kind": "Bucket", "name": "gone"}, False),
        ({"kind": "Service", "name": "gone"}, True),
        ({"name": "gone"}, True),
        ({"name": "gone", "namespace": "other"}, False),  # not the alert's namespace
        ({"name": "gone", "namespace": "shop"}, True),
        ({"name": ""}, False),
        ({"name": "web"}, False),
    ],
)
def test_only_a_service_of_the_alert_s_namespace_is_judged(backend: Obj, told: bool) -> None:
    c = shop("web")
    _route(c, "HTTPRoute", backend)
    assert len(heads(find, c)) == told


def test_routes_of_another_namespace_are_left_alone() -> None:
    c = shop("web")
    for made in (
        _ingress(c, _service("gone")),
        _route(c, "HTTPRoute", {"name": "gone"}),
        _virtual(c, {"host": "gone"}),
    ):
        made["metadata"]["namespace"] = "other"
    assert heads(find, c) == []
    c.objects["pods"].append({"metadata": {"name": "p", "namespace": "other"}})
    assert [line.split()[-1] for line in heads(find, everywhere(c.bundle()))] == [
        "Ingress/other/edge",
        "HTTPRoute/other/path",
        "VirtualService/other/virtual",
    ]


def _virtual(c: Cluster, *targets: Obj) -> Obj:
    routes = [{"destination": one} for one in targets]
    return c.add(
        "virtualservices",
        "virtual",
        api="networking.istio.io/v1",
        kind="VirtualService",
        spec={"http": [{"route": routes}]},
    )


def test_destinations_of_virtual_services_are_read_with_their_places() -> None:
    c = shop("web")
    _virtual(
        c,
        {"host": "web", "port": {"number": 8080}},
        {"host": "pay.example.org", "port": {"number": 443}},
        {"host": "wev.shop.svc.cluster.local"},
        {"host": "web.shop.svc", "port": {"number": 81}},
        {"host": ""},
    )
    ref = "VirtualService/shop/virtual"
    assert [line for line in whole(find, c) if line.startswith(("0.", "facts"))] == [
        f"0.85 route_backend_mismatch of {ref}",
        "facts: DeclaredRoute obj=object virtual, place=spec.http[0].route[2].destination.host,"
        " right=",
        f"0.9 route_backend_mismatch of {ref}",
        "facts: DeclaredRoute obj=object virtual,"
        " place=spec.http[0].route[3].destination.port.number, right=8080",
    ]


def _classes(c: Cluster, *names: str) -> None:
    c.objects["ingressclasses"] = [{"metadata": {"name": name}} for name in names]


@pytest.mark.parametrize(
    ("classes", "wanted", "right", "text"),
    [
        (["nginx", "traefik"], "nginz", "", "no_such_class classes=[nginx, traefik], count=2, "),
        (["nginx-ext", "nginx-int"], "nginx-exx", "nginx-ext", None),
        (["nginx-int", "nginx-ext"], "nginx-exx", "nginx-ext", None),
        (["abcdefghij", "other"], "abcdefghxy", "", None),  # eight letters of ten
        (["abcdefghij", "other"], "abcdefghix", "abcdefghij", None),  # nine of ten
        (["proxy-inside", "proxy-insides"], "proxy-insidesx", "proxy-insides", None),
        (["proxy-insides", "proxy-inside"], "proxy-insidesx", "proxy-insides", None),
        (["nginx"], "traefik", "nginx", "no_such_class classes=[nginx], count=1, "),
        ([], "nginx", "", "no_class "),
        (["nginx", "traefik"], "nginx", None, None),
        (["nginx", "traefik"], "", None, None),
    ],
)
def test_an_ingress_of_a_class_that_nobody_serves_is_told_with_the_nearest_or_only_class(
    classes: list[str], wanted: str, right: str | None, text: str | None
) -> None:
    c = shop("web")
    _classes(c, *classes)
    _ingress(c, ingressClassName=wanted)
    lines = whole(find, c)
    if right is None:
        assert lines == []
        return
    assert lines[0] == "0.88 route_host_mismatch of Ingress/shop/edge"
    assert (
        lines[-1]
        == f"facts: DeclaredRoute obj=object edge, place=spec.ingressClassName, right={right}"
    )
    if text is not None:
        told = f"gateways.host.{text}ingress=edge, wanted={wanted}"
        assert lines[1:3] == [f"told: {told}", f"object Ingress/shop/edge: {told}"]


def test_a_right_class_does_not_hide_the_next_ingress_and_uncollected_classes_tell_nothing() -> (
    None
):
    c = shop("web")
    _classes(c, "nginx")
    _ingress(c, ingressClassName="nginx")
    _ingress(c, ingressClassName="other")["metadata"]["name"] = "second"
    assert heads(find, c) == ["0.88 route_host_mismatch of Ingress/shop/second"]
    del c.objects["ingressclasses"]
    assert heads(find, c) == []


@pytest.mark.parametrize(
    ("reason", "class_id"),
    [
        ("NoMatchingListenerHostname", "route_host_mismatch"),
        ("NoMatchingParent", "route_host_mismatch"),
        ("NotAllowedByListeners", "route_host_mismatch"),
        ("BackendNotFound", "route_backend_mismatch"),
        ("Pending", ""),
    ],
)
def test_a_gateway_s_own_words_tell_why_it_does_not_take_a_route(
    reason: str, class_id: str
) -> None:
    c = shop("web")
    route = _route(c, "GRPCRoute")
    said = {"type": "Accepted", "status": "False", "reason": reason, "message": "no  fit"}
    good = {"type": "Programmed", "status": "True", "reason": "NoMatchingParent"}
    route["status"] = {"parents": [{}, {"conditions": [good, said]}]}
    ref = "GRPCRoute/shop/path"
    text = (
        f"gateways.refused condition=Accepted, kind=GRPCRoute, message=no fit, reason={reason},"
        " route=path"
    )
    expected = [
        f"0.88 {class_id} of {ref}",
        f"told: {text}",
        f"object {ref}: {text}",
        "facts: DeclaredRoute obj=object path, place=, right=",
    ]
    assert whole(find, c) == (expected if class_id else [])


# Routes in the text of ConfigMaps.


def _config(c: Cluster, text: str, key: str = "application.yml", name: str = "gateway") -> Obj:
    return c.add("configmaps", name, kind="ConfigMap", data={"a": "b", key: text})


def _entry(path: str, target: str, id_: str = "", field: str = "uri") -> Obj:
    made: Obj = {field: target, "predicates": [f"Path={path}"]}
    return made | ({"id": id_} if id_ else {})


def _routes(*entries: Obj) -> str:
    return yaml.safe_dump({"routes": list(entries)})


def _fails(c: Cluster, url: str, entry: str, error: str = "404 Not Found") -> None:
    told = {"url": url, "entry_service": entry, "raw_error": error}
    c.anomalies.append(json.dumps(told))


def test_a_failing_request_that_a_route_sends_astray_is_told_at_who_should_answer() -> None:
    c = shop("web", "cart")
    _config(c, _routes(_entry("/cart/**", "http://web.shop.svc:80", "to-cart")))
    _fails(c, "/cart/list", "cart")
    owner = "ConfigMap/shop/gateway"
    text = (
        f"gateways.configured.fails backend=web, error=404 Not Found, owner={owner}, right=cart,"
        " route=to-cart, url=/cart/list"
    )
    assert whole(configured, c) == [
        "0.95 route_backend_mismatch of Deployment/shop/cart",
        f"told: {text}",
        f"object {owner}: {text}",
        f"alert: {text}",
        "facts: ConfiguredRoute right=cart, route=Route backend=web, name=to-cart,"
        f" owner=v1 {owner}, path=/cart/**, where=application.yml, workload=Deployment cart",
    ]


@pytest.mark.parametrize(
    ("url", "entry", "error", "score"),
    [
        ("/cart/list", "cart", "405 Method Not Allowed", 0.95),
        ("/cart/list", "cart", "503", 0.8),
        ("/cart", "cart", "404", 0.95),
        ("/cart/", "cart", "404", 0.95),
        ("/cartoon", "cart", "404", None),
        ("/shelf", "cart", "404", None),
        ("", "cart", "404", None),
        ("/cart/list", "", "404", None),
        ("/cart/list", "web", "404", None),
        ("/cart/list", "nobody", "404", None),
    ],
)
def test_a_request_goes_astray_whose_path_the_route_covers_and_whose_service_is_another(
    url: str, entry: str, error: str, score: float | None
) -> None:
    c = shop("web", "cart")
    _config(c, _routes(_entry("/cart/**", "http://web:80")))
    _fails(c, "/else", "cart")
    _fails(c, url, entry, error)
    assert [one.score for one in found(configured, c)] == ([score] if score else [])


def test_a_route_without_a_name_is_called_by_its_path_and_one_without_a_stem_covers_nothing() -> (
    None
):
    c = shop("web", "cart")
    _config(c, _routes(_entry("/cart/**", "http://web:80")))
    _fails(c, "/cart/list", "cart")
    assert ", route=/cart/**, " in whole(configured, c)[1]
    c = shop("web", "cart")
    _config(c, _routes(_entry("/**", "http://web:80")))
    _fails(c, "/cart/list", "cart")
    assert heads(configured, c) == []


@pytest.mark.parametrize(
    ("target", "backend"),
    [
        ("lb://web", "web"),
        ("lbs://web", "web"),
        ("http://web", "web"),
        ("https://web.shop.svc", "web"),
        ("grpc://web:90", "web"),
        ("wss://web/x", "web"),
        ("http://${WEB_HOST:web}:80", "web"),
        ("ftp://web", None),
        ("web:80", None),
        ("see http://web", None),
    ],
)
def test_a_backend_is_read_off_its_address(target: str, backend: str | None) -> None:
    c = shop("web", "cart")
    _config(c, _routes(_entry("/cart/**", target), _entry("/x", "http://else", "x")))
    _fails(c, "/cart/list", "cart")
    told = [one.facts.route.backend for one in found(configured, c)]
    assert told == ([backend] if backend else [])


@pytest.mark.parametrize(
    "entry",
    [
        {"url": "http://web", "path": "/cart"},
        {"uri": "http://web", "path": "/cart", "name": "n"},
        {"uri": "http://web", "predicates": ["Method=GET", "Path=/x,Path=/cart"]},
        {"uri": "http://web", "predicates": "Path=/cart/**"},
        {"uri": "", "url": "http://web", "path": "/cart"},
    ],
)
def test_paths_are_read_off_predicates_or_the_path_itself(entry: Obj) -> None:
    c = shop("web", "cart")
    _config(c, "# routes:\n" + json.dumps({"a": [[{"b": entry}]]}))
    _fails(c, "/cart/list", "cart")
    (one,) = [one for one in found(configured, c) if one.score == 0.95]
    assert one.facts.route.name == entry.get("name", "")


@pytest.mark.parametrize(
    "entry",
    [
        {"uri": "http://web"},
        {"uri": 5, "path": "/cart"},
        {"path": "/cart"},
        {"target": "http://web", "path": "/cart"},
    ],
)
def test_what_lacks_an_address_or_a_path_is_no_route(entry: Obj) -> None:
    c = shop("web", "cart")
    _config(c, "# uri: http://x\n" + json.dumps(entry))
    _fails(c, "/cart/list", "cart")
    assert heads(configured, c) == []


@pytest.mark.parametrize(
    "mark", ["uri:", "proxy_pass", "upstream", "route:", "routes:", "cluster:"]
)
def test_only_text_that_speaks_of_routes_is_read(mark: str) -> None:
    c = shop("web", "cart")
    text = json.dumps({"url": "http://web", "path": "/cart"})
    config = _config(c, text)
    _fails(c, "/cart/list", "cart")
    assert heads(configured, c) == []
    config["data"]["application.yml"] = f"# {mark}\n{text}"
    assert len(heads(configured, c)) == 1


def _deep(levels: int) -> str:
    node: Any = {"uri": "http://web", "path": "/cart"}
    for _ in range(levels):
        node = [node]
    return f"# uri:\n{json.dumps(node)}"


_ONE = "# uri:\n" + json.dumps({"uri": "http://web", "path": "/cart"})


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (_deep(20), True),
        (_deep(21), False),
        (_ONE + "\n#" + "x" * (199_998 - len(_ONE) - 1), True),
        (_ONE + "\n#" + "x" * (200_000 - len(_ONE) - 2), False),
        (_ONE + "\n#" + "&" * 499 + "*" * 500, True),
        (_ONE + "\n#" + "&" * 500 + "*" * 500, False),
        (_ONE + "\n}", False),
        (_ONE + "\n---\n{}", False),
        ("# uri: x://\nat: 2026-02-31\nuri: http://web\npath: /cart", False),
        ("# uri: x://\n- uri: http://web\n  path: /cart", True),
    ],
)
def test_a_text_is_read_within_bounds_and_skipped_where_it_is_no_yaml(
    text: str, read: bool
) -> None:
    c = shop("web", "cart")
    _config(c, text)
    _fails(c, "/cart/list", "cart")
    assert len(heads(configured, c)) == read


def test_configuration_of_another_namespace_and_what_is_no_text_is_left_alone() -> None:
    c = shop("web", "cart")
    _config(c, _ONE)["metadata"]["namespace"] = "other"
    _config(c, _ONE)["data"]["application.yml"] = 5
    _fails(c, "/cart/list", "cart")
    assert heads(configured, c) == []


def test_a_service_s_name_stands_for_the_workload_behind_it() -> None:
    c = shop("web", "cart")
    c.get("services", "cart")["metadata"]["name"] = "basket"
    _config(c, _routes(_entry("/cart/**", "http://web")))
    _fails(c, "/cart/list", "basket")
    assert heads(configured, c) == ["0.95 route_backend_mismatch of Deployment/shop/cart"]


def test_two_routes_to_one_backend_and_a_workload_that_none_reaches() -> None:
    c = shop("web", "cart", "cart-old")
    _config(
        c,
        _routes(
            _entry("/web/**", "http://web", "web"), _entry("/api/cart/**", "http://web", "basket")
        ),
    )
    owner = "ConfigMap/shop/gateway"
    text = "gateways.configured.doubled backend=web, right=cart, route=basket"
    assert whole(configured, c) == [
        "0.45 route_backend_mismatch of Deployment/shop/cart",
        f"told: {text}",
        f"object {owner}: {text}",
        "facts: ConfiguredRoute right=cart, route=Route backend=web, name=basket,"
        f" owner=v1 {owner}, path=/api/cart/**, where=application.yml, workload=Deployment cart",
    ]
    _fails(c, "/shelf", "")
    assert heads(configured, c) == ["0.45 route_backend_mismatch of Deployment/shop/cart"]
    _fails(c, "/api/cart/1", "")
    assert heads(configured, c) == ["0.65 route_backend_mismatch of Deployment/shop/cart"]


@pytest.mark.parametrize(
    ("entries", "blamed"),
    [
        # one route only: nothing is doubled
        ([("/cart/**", "http://web", "")], []),
        # another route reaches it
        (
            [("/web", "http://web", ""), ("/cart", "http://web", ""), ("/c2", "http://cart", "")],
            [],
        ),
        # the path's last word decides, and the whole name may hold it
        ([("/web", "http://web", ""), ("/v1/car", "http://web", "")], ["cart"]),
        ([("/web", "http://web", ""), ("/v1/Cart", "http://web", "")], ["cart"]),
        ([("/web", "http://web", ""), ("/v1/zzz", "http://web", "")], []),
        # its own name decides where the path says nothing of anybody
        ([("/web", "http://web", ""), ("/zzz", "http://web", "cart")], ["cart"]),
        # a name of nobody, and a path of the backend
        ([("/web", "http://web", "zzz"), ("/web2/web", "http://web", "")], []),
        # a path without a word
        ([("/web", "http://web", ""), ("/**", "http://web", "cart")], []),
        (
            [("/web", "http://web", ""), ("/cart", "http://web", ""), ("/shelf", "http://web", "")],
            ["cart", "shelf"],
        ),
    ],
)
def test_a_doubled_route_is_stray_by_the_words_of_its_path_and_name(
    entries: list[tuple[str, str, str]], blamed: list[str]
) -> None:
    c = shop("web", "cart", "shelf")
    _config(c, _routes(*(_entry(*one) for one in entries)))
    assert [one.object.name for one in found(configured, c)] == blamed


def test_routes_of_two_gateways_are_not_doubled() -> None:
    c = shop("web", "cart")
    _config(c, _routes(_entry("/web", "http://web")))
    _config(c, _routes(_entry("/cart", "http://web")), name="second")
    assert heads(configured, c) == []


def test_a_workload_that_another_gateway_reaches_is_idle_at_this_one() -> None:
    c = shop("web", "cart")
    _config(c, _routes(_entry("/web", "http://web"), _entry("/cart", "http://web")))
    _config(c, _routes(_entry("/cart", "http://cart")), name="second")
    assert heads(configured, c) == ["0.45 route_backend_mismatch of Deployment/shop/cart"]
