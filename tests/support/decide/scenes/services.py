"""Services against pods, addresses against Services, DNS settings: what is known of each, and what was tried."""

from __future__ import annotations

import json
from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside, pod_specs

_FAMILY = "services"


def _selector(
    told: str,
    selector: dict[str, str] | None,
    *,
    name: str = "",
    labels: dict[str, str] | None = None,
    down: bool = False,
    addresses: bool = False,
    target: object = None,
    varied: bool = False,
) -> None:
    """A Service whose selector is another, with another name or target; labels that its pods have besides."""

    @scene(_FAMILY, f"a Service selects nothing: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        service = c.get("services", app)
        service["spec"]["selector"] = selector
        if target is not None:
            service["spec"]["ports"][0]["targetPort"] = target
        if name:
            service["metadata"]["name"] = name
            c.get("endpoints", app)["metadata"]["name"] = name
        if not addresses:
            c.get("endpoints", name or app)["subsets"] = []
        for thing in (c.pod(app), c.get("deployments", app)["spec"]["template"]):
            thing["metadata"]["labels"] |= labels or {}
        if down:
            c.stopped(app)


_selector("a label's value is another", {"app": "other"}, varied=True)
_selector("a label more than the pods have", {"app": "bystander", "tier": "front"}, name="shop")
_selector(
    "its name tells nothing, a label of two fits",
    {"tier": "front", "app": "x"},
    name="shop",
    labels={"tier": "front"},
)
_selector("its name tells nothing, nor does anything else", {"app": "x"}, name="shop", target=1)
_selector(
    "its port tells, and its labels",
    {"run": "front", "app": "x"},
    name="shop",
    labels={"tier": "front"},
)
_selector("the pods are down", {"app": "other"}, down=True)
_selector("but has addresses", {"app": "other"}, addresses=True)
_selector("it has no selector", {})
_selector("its port is named and the pods' is not", {"app": "other"}, target="web")


def _likely(told: str, *, served: bool, name: str = "") -> None:
    """A Service with two of the pods' labels out of three, and their port; ``served``: another leads to the pods."""

    @scene(
        _FAMILY, f"a Service selects nothing and means likely one workload, {told}", varied=False
    )
    def _(c: Cluster, app: str) -> None:
        for thing in (c.pod(app), c.get("deployments", app)["spec"]["template"]):
            thing["metadata"]["labels"] |= {"tier": "front", "team": "shop"}
        own = c.get("services", app)
        port = own["spec"]["ports"][0]
        own["metadata"]["name"] = "front"
        if not served:
            c.drop("services", "front")
        selector = {"tier": "front", "team": "shop", "run": "x"}
        spec = {"selector": selector, "ports": [port]}
        c.add("services", name or f"{app}s", kind="Service", spec=spec)
        c.get("endpoints", app)["subsets"] = []
        if name == "APP":
            c.objects["services"][-1]["metadata"]["name"] = app


_likely("to which no other leads", served=False)
_likely("to which another leads", served=True)
_likely("of its own name, to which another leads", served=True, name="APP")
_likely("of its own name, to which no other leads", served=False, name="APP")


@scene(_FAMILY, "two Services of a name's kind: one leads to the workload, the other to nothing")
def _(c: Cluster, app: str) -> None:
    for name, selector in ((f"{app}-admin", {"app": f"{app}-admin"}), ("bystanders", {"app": "x"})):
        spec = {"selector": selector, "ports": [{"port": 80, "targetPort": 80}]}
        c.add("services", name, kind="Service", spec=spec)


@scene(_FAMILY, "a Service selects nothing, and only a job of another namespace has its name")
def _(c: Cluster, app: str) -> None:
    spec: Obj = {"selector": {"app": "nightly"}, "ports": [{"port": 80}]}
    c.add("services", "nightly", kind="Service", spec=spec)
    c.add("jobs", "nightly", api="batch/v1", kind="Job", spec={"template": {"spec": {}}})


@scene(_FAMILY, "endpoints were not collected")
def _(c: Cluster, app: str) -> None:
    del c.objects["endpoints"]
    c.get("services", app)["spec"]["selector"] = {"app": "other"}
    c.get("services", "bystander")["spec"]["ports"][0]["targetPort"] = "web"


def _port(
    told: str,
    target: object,
    *,
    ports: list[Obj] | None = None,
    said: str = "",
    refused: bool = False,
    down: bool = False,
    empty: bool = False,
    subject: bool = False,
    title: bool = False,
    probe: Obj | None = None,
    service: Obj | None = None,
    varied: bool = False,
) -> None:
    @scene(_FAMILY, f"a Service's port {told}", varied=varied)
    def _(c: Cluster, app: str) -> dict[str, Any]:
        spec = c.get("services", app)["spec"]
        spec["ports"] = [{"port": 80, "targetPort": target}] if target else [{"port": 80}]
        spec |= service or {}
        container = c.container(app)
        container["ports"] = [{"containerPort": 8080}] if ports is None else ports
        container |= {"readinessProbe": probe} if probe else {}
        if said:
            c.extra["service_connectivity"] = {f"{app}:80": f"Debug Pod one: {said}"}
        if refused:
            c.log("bystander", f"dial tcp {app}:80: connect: connection refused")
        if empty:
            c.get("endpoints", app)["subsets"] = []
        if down:
            c.stopped(app)
        besides: dict[str, Any] = {"subject": app} if subject else {}
        return besides | ({"alert": {"title": f"{app} is slow"}} if title else {})


_FAILED, _ARRIVED = "Connection Failed", "Connection Succeeded"
_port("leads to no port of the pods", 9090, varied=True)
_port("leads to no port of the pods, the alert is about it", 9090, subject=True)
_port("leads to no port of the pods, the alert's title names it", 9090, title=True)
_port("leads to no port of the pods, and connections fail", 9090, said=_FAILED)
_port("leads to no port of the pods, and connections are refused", 9090, refused=True)
_port("leads to no port of the pods, and connections arrive", 9090, said=_ARRIVED)
_port(
    "leads to no port of the pods, connections arrive and are refused",
    9090,
    said=_ARRIVED,
    refused=True,
)
_port("leads to no port of the pods, which are down", 9090, down=True)
_port(
    "leads to no port of the pods, which are down, and connections fail",
    9090,
    down=True,
    said=_FAILED,
)
for _handler in ("httpGet", "tcpSocket", "grpc"):
    _port(f"leads to a port that {_handler} asks", 9090, probe={_handler: {"port": 9090}})
_port(
    "leads to a port that a probe asks, and connections fail",
    9090,
    probe={"httpGet": {"port": 9090}},
    said=_FAILED,
)
_port(
    "leads to no port of the pods, a probe asks by a name", 9090, probe={"httpGet": {"port": "web"}}
)
_port("is the target itself, and none of the pods", None)
_port("is the target itself", None, ports=[{"containerPort": 80}])
_port("leads to the pods' port, written as text", "8080")
_port("leads to pods that declare no port", 9090, ports=[])
_port("has a name that no port has", "web", varied=True)
_port(
    "has a name that no port of many has",
    "web",
    ports=[{"name": "api", "containerPort": 1}, {"name": "adm"}],
)
_port("has a name that no port has, and nothing is ready behind it", "web", empty=True)
_port("has a name that no port has, and connections fail", "web", said=_FAILED)
_port("has a name that no port has, and connections arrive", "web", said=_ARRIVED)
_port("has a name that no port has, and the pods are down", "web", down=True)
_port(
    "has a name of a port without a number", "web", ports=[{"name": "web", "containerPort": 8080}]
)
_port("leads nowhere, but it is a name of elsewhere", 9090, service={"type": "ExternalName"})
_port("is no matter of a headless Service", 9090, service={"clusterIP": "None"})
_port("is a name that the pods of a headless Service lack", "web", service={"clusterIP": "None"})
_UDP: list[Obj] = [{"containerPort": 8080, "protocol": "UDP"}]
_port("speaks another protocol", 8080, ports=_UDP, varied=True)
_port("speaks another protocol, and connections arrive", 8080, ports=_UDP, said=_ARRIVED)
_port("speaks another protocol, and connections fail", 8080, ports=_UDP, said=_FAILED)
_port("speaks one of two protocols", 8080, ports=[*_UDP, {"containerPort": 8080}])
_port("of a name speaks another protocol", "web", ports=[{"name": "web", **_UDP[0]}])
_port(
    "of a headless Service speaks another protocol", 8080, ports=_UDP, service={"clusterIP": "None"}
)


@scene(
    _FAMILY,
    "of three ports the first fits, the second leads nowhere, the third speaks another protocol",
)
def _(c: Cluster, app: str) -> None:
    c.container(app)["ports"] = [{"containerPort": 8080}]
    beside(c, app)["ports"] = [{"containerPort": 53, "protocol": "UDP"}]
    c.get("services", app)["spec"]["ports"] = [
        {"port": 80, "targetPort": 8080},
        {"port": 81, "targetPort": 8081},
        {"port": 53, "protocol": "TCP"},
        {},
    ]


def _balancer(told: str, *events: tuple[str, str, str], **how: Any) -> None:
    @scene(_FAMILY, f"a load balancer {told}", varied=False)
    def _(c: Cluster, app: str) -> dict[str, Any]:
        service = c.get("services", app)
        service["spec"]["type"] = how.get("type", "LoadBalancer")
        if how.get("named"):
            service["metadata"]["name"] = "front"
        if how.get("made"):
            service["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
        for reason, text, kind in events:
            c.event("Service", service["metadata"]["name"], reason, text)
            c.objects["events"][-1]["type"] = kind
        return (
            {"subject": how["subject"] if how["subject"] != "APP" else app}
            if "subject" in how
            else {}
        )


_SYNC = ("SyncLoadBalancerFailed", "quota of addresses exceeded", "Warning")
_balancer("is not made")
_balancer("is not made, and the alert is about the workload", subject="APP", named=True)
_balancer("is not made, and the alert is about the Service", subject="front", named=True)
_balancer("is not made, and the alert is about another", subject="bystander")
_balancer("failed, twice", _SYNC, ("SyncLoadBalancerFailed", "still exceeded", "Warning"))
_balancer("is told of, in no warning", ("EnsuringLoadBalancer", "soon", "Normal"))
_balancer("is warned of for something else", ("PortNotAllocated", "no port", "Warning"))
_balancer("is made", made=True)
_balancer("is not asked for", type="NodePort")


def _address(
    told: str,
    value: str,
    *,
    key: str = "CALLEE_ADDR",
    lines: tuple[str, ...] = (),
    declared: str | None = None,
    services: tuple[str, ...] = ("callee",),
    spaces: tuple[str, ...] = (),
    workload: bool = False,
    quotas: bool = True,
    declared_service: bool = False,
    other: str = "",
    varied: bool = False,
) -> None:
    """An address in the environment; the Services that there are; namespaces that were listed."""

    @scene(_FAMILY, f"an address {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        env = [
            {"name": key, "value": value},
            *([{"name": "OTHER_ADDR", "value": other}] if other else []),
        ]
        c.container(app)["env"] = env
        for name in services:
            space, _, short = name.rpartition("/")
            service = c.add(
                "services", short, kind="Service", spec={"ports": [{"port": 80}, {"port": 443}]}
            )
            service["metadata"]["namespace"] = space or c.namespace
        if spaces:
            c.objects["namespaces"] = [
                {"metadata": {"name": name}} for name in (*spaces, c.namespace)
            ]
        if workload:
            c.app("gone")
            c.drop("services", "gone")
        if not quotas:
            del c.objects["resourcequotas"]
        if declared is not None:
            spec = json.loads(json.dumps(c.get("deployments", app)))
            spec["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = declared
            c.declared.append(spec)
        if declared_service:
            meta = {"name": "gone", "namespace": c.namespace}
            c.declared.append({"kind": "Service", "metadata": meta, "spec": {}})
        if lines:
            c.log(app, *lines)


_GONE = "lookup gone on 10.0.0.10:53: no such host"
_address("that exists", "callee:80")
_address("with another port", "callee:81", varied=True)
_address("without a port", "callee")
_address("that nobody has", "gone:80", varied=True)
_address("that nobody has, without a port", "gone")
_address("that nobody has, and the log says so", "gone:80", lines=(_GONE,))
_address("that nobody has, without a port, and the log says so", "gone", lines=(_GONE,))
_address("that nobody has, and the log names none", "gone:80", lines=("Name or service not known",))
_address(
    "that nobody has, without a port, and the log names none",
    "gone",
    lines=("Name or service not known",),
)
_address(
    "that nobody has, and the log names another",
    "gone:80",
    lines=("lookup else on 1.1.1.1:53: no such host",),
)
_address("that is nearly one", "calle:80")
_address("that is nearly one, without a port", "calle")
_address("that is nearly one which is called already", "calle:80", other="callee:80")
_address("that holds a name", "my-callee:80", services=("callee", "call"))
_address("that holds a name of three letters", "my-api:80", services=("api",))
_address("that is held by a name", "callee:80", services=("callee-v2", "xcallee-v22"))
_address(
    "that is nearly one, the log says so and the repository has another",
    "calle:80",
    declared="callee:80",
    lines=("lookup calle on 10.0.0.10:53: no such host",),
)
_address("that nobody has, and the repository has another", "gone:80", declared="callee:80")
_address("that nobody has, and the repository has the same", "gone:80", declared="gone:80")
_address("of a workload without a Service", "gone:80", workload=True, varied=True)
_address("of a workload without a Service, and no port", "gone", workload=True, lines=(_GONE,))
_address(
    "of a workload without a Service, as the log says", "gone:80", workload=True, lines=(_GONE,)
)
_address(
    "of a workload without a Service that is declared",
    "gone:80",
    workload=True,
    declared_service=True,
)
_address(
    "of a workload without a Service that is declared, as the log says",
    "gone:80",
    workload=True,
    declared_service=True,
    lines=(_GONE,),
)
_address(
    "of a workload without a Service, as the log says, and quotas are not known",
    "gone:80",
    workload=True,
    lines=(_GONE,),
    quotas=False,
)
_address("of the outside world", "api.example.com:443")
_address("of another namespace", "callee.other.svc:80", services=("other/callee",))
_address(
    "of another namespace that lacks it",
    "gone.other.svc:80",
    services=("other/callee",),
    varied=True,
)
_address(
    "of another namespace that lacks it, and the own has it",
    "callee.other.svc:80",
    services=("other/x", "callee"),
)
_address("of a namespace of which nothing is known", "gone.other.svc:80")
_address("of a namespace that is not there", "gone.other.svc:80", spaces=("default",))
_address(
    "of a namespace that is not there, and the own has it",
    "callee.other.svc:80",
    spaces=("default",),
)
_address("of a namespace that is there", "gone.other.svc:80", spaces=("other",))
_address(
    "of another namespace, as the log says",
    "gone.other.svc:80",
    lines=(
        "lookup gone.other.svc on 1.1.1.1:53: no such host",
        "lookup gone.other.svc.cluster.local on 1.1.1.1:53: no such host",
    ),
)
_address(
    "of another namespace, the log names another",
    "gone.other.svc:80",
    lines=("lookup gone.else.svc on 1.1.1.1:53: no such host",),
)
_address(
    "of another namespace, everything speaks against it",
    "callee.other.svc:80",
    spaces=("default",),
    declared="callee:80",
    lines=("lookup callee.other.svc on 1.1.1.1:53: no such host",),
)


@scene(
    _FAMILY, "an address of a headless Service, of a name of elsewhere, of a Service without ports"
)
def _(c: Cluster, app: str) -> None:
    specs: dict[str, Obj] = {
        "headless": {"clusterIP": "None", "ports": [{"port": 80}]},
        "elsewhere": {"type": "ExternalName", "ports": [{"port": 80}]},
        "portless": {},
        "plain": {"ports": [{"port": 80}]},
    }
    for name, spec in specs.items():
        c.add("services", name, kind="Service", spec=spec)
    c.container(app)["env"] = [{"name": f"{n.upper()}_ADDR", "value": f"{n}:81"} for n in specs]


@scene(_FAMILY, "an address that is nearly the own name, or in the own namespace only by name")
def _(c: Cluster, app: str) -> None:
    c.container(app)["env"] = [
        {"name": "SELF_ADDR", "value": f"{app}s:80"},
        {"name": "OTHER_ADDR", "value": f"{app}.other.svc:80"},
    ]
    c.objects["namespaces"] = [{"metadata": {"name": c.namespace}}]


@scene(_FAMILY, "Services were not collected: no address is wrong")
def _(c: Cluster, app: str) -> None:
    del c.objects["services"]
    c.container(app)["env"] = [{"name": "CALLEE_ADDR", "value": "gone:80"}]


def _dns(
    told: str,
    policy: str = "",
    servers: tuple[str, ...] = (),
    *lines: str,
    down: bool = False,
    dns: str = "cluster-dns",
) -> None:
    @scene(_FAMILY, f"DNS settings: {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        service = c.add("services", dns, kind="Service", spec={"clusterIP": "10.0.0.10"})
        service["metadata"]["namespace"] = "kube-system"
        for spec in pod_specs(c, app):
            spec.update({"dnsPolicy": policy} if policy else {})
            spec.update({"dnsConfig": {"nameservers": list(servers)}} if servers else {})
        if lines:
            c.log(app, *lines)
        if down:
            c.stopped(app)


_UNKNOWN = (
    "lookup first on 1.1.1.1:53: no such host",
    "lookup bystander on 1.1.1.1:53: no such host",
)
_MORE = (*_UNKNOWN, "lookup last on 1.1.1.1:53: no such host")
_dns("none of their own")
_dns("none of their own, names of the cluster do not resolve", "", (), *_MORE)
_dns(
    "none of their own, names of the cluster do not resolve, and it is down",
    "",
    (),
    *_MORE,
    down=True,
)
_dns(
    "none of their own, other names do not resolve, and it is down", "", (), _UNKNOWN[0], down=True
)
_dns(
    "none of their own, no name is told, and it is down",
    "",
    (),
    "Name or service not known",
    down=True,
)
_dns("the cluster's first", "ClusterFirst", ("1.1.1.1",), *_UNKNOWN)
_dns("the node's", "Default")
_dns("the node's, and it is down", "Default", down=True)
_dns("the node's, and names do not resolve", "Default", (), *_MORE)
_dns("the node's, and foreign names do not resolve", "Default", (), _MORE[0], _MORE[2], _MORE[0])
_dns("foreign servers", "None", ("1.1.1.1", "8.8.8.8"), *_UNKNOWN, down=True)
_dns("foreign servers and the cluster's", "None", ("1.1.1.1", "10.0.0.10"))
_dns("the cluster's, but nobody knows its DNS", "None", ("10.0.0.10",), dns="cluster-time")
