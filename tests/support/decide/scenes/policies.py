"""Traffic that policies stop: at either end, known to somebody or not, the DNS, and workloads that nobody may reach."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside

_FAMILY = "policies"
_STRANGERS = [{"podSelector": {"matchLabels": {"role": "stranger"}}}]


def _policy(c: Cluster, name: str, app: str, **spec: Any) -> Obj:
    """A policy for an application's pods, for all where none is named."""
    selector = {"matchLabels": {"app": app}} if app else {}
    return c.add(
        "networkpolicies", name, kind="NetworkPolicy", spec={"podSelector": selector, **spec}
    )


def _only_strangers_in(c: Cluster, app: str, name: str = "strangers") -> None:
    _policy(c, name, app, policyTypes=["Ingress"], ingress=[{"from": _STRANGERS}])


def _only_names_out(c: Cluster, app: str, name: str = "names") -> None:
    """It may ask the DNS and nobody else."""
    dns = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    ports = [{"protocol": "UDP", "port": 53}]
    rule = {"to": [dns], "ports": ports}
    _policy(c, name, app, policyTypes=["Egress"], egress=[rule])


def _tried(c: Cluster, app: str, said: str) -> None:
    c.extra["service_connectivity"] = {f"{app}:80": f"Debug Pod one: {said}"}


@scene(_FAMILY, "the callee lets in strangers only, and nobody complains")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    _only_strangers_in(c, app)


@scene(_FAMILY, "the callee lets in strangers only, and the caller is down without a word")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    c.stopped("caller")
    _only_strangers_in(c, app)


@scene(_FAMILY, "the callee lets in strangers only, and the caller's lines name it")
def _(c: Cluster, app: str) -> None:
    port = c.calls(c.app("caller"), app)
    c.log(
        "caller",
        f"dial tcp {app}:{port}: i/o timeout",
        f"dial tcp {app}:{port}: i/o timeout again",
        f"dial tcp {app}:{port}: i/o timeout at last",
        "dial tcp somebody:80: i/o timeout",
    )
    _only_strangers_in(c, app)


@scene(_FAMILY, "the callee lets in strangers only, and the caller's lines name nobody")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    c.log("caller", *(f"read tcp 10.9.9.{n}: i/o timeout" for n in range(3)))
    _only_strangers_in(c, app)


_SILENCES = {
    "a database": "Communications link failure",
    "a broker": "Broker may not be available",
    "a cache": "redis: connection timed out",
    "a mesh": "upstream connect error or disconnect/reset before headers",
    "an upstream": "503 Service Unavailable",
    "nobody": "all is well",
}


def _silent(told: str, line: str) -> None:
    @scene(
        _FAMILY, f"the callee lets in strangers only, and the caller misses {told}", varied=False
    )
    def _(c: Cluster, app: str) -> None:
        c.calls(c.app("caller"), app)
        c.log("caller", f"{line} at {app}")
        _only_strangers_in(c, app)


for _told, _line in _SILENCES.items():
    _silent(_told, _line)


@scene(_FAMILY, "a refusal comes from somebody who got the packet")
def _(c: Cluster, app: str) -> None:
    port = c.calls(c.app("caller"), app)
    c.log("caller", f"dial tcp {app}:{port}: connect: connection refused")
    _only_strangers_in(c, app)


@scene(_FAMILY, "a dead callee is silent too")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    c.log("caller", "read tcp 10.9.9.9: i/o timeout")
    c.stopped(app)
    _only_strangers_in(c, app)


for _said in ("Connection Failed", "Connection Succeeded"):

    @scene(_FAMILY, f"somebody tried the callee that lets in strangers only: {_said}")
    def _(c: Cluster, app: str, said: str = _said) -> None:
        c.calls(c.app("caller"), app)
        _tried(c, app, said)
        _only_strangers_in(c, app)


@scene(_FAMILY, "the caller may go nowhere but to the DNS, and two policies say so")
def _(c: Cluster, app: str) -> None:
    port = c.calls(app, c.app("callee"))
    _only_names_out(c, app)
    _only_names_out(c, "", "names-of-all")
    c.log(app, f"dial tcp callee:{port}: i/o timeout")


@scene(_FAMILY, "both ends are closed, and the port is not known")
def _(c: Cluster, app: str) -> None:
    c.app("callee")
    c.container(app)["env"] = [{"name": "CALLEE_HOST", "value": "callee"}]
    c.get("services", "callee")["spec"]["ports"].append(
        {"name": "more", "port": 81, "targetPort": 81}
    )
    _only_names_out(c, app)
    _only_strangers_in(c, "callee")


@scene(_FAMILY, "another port of the callee is open")
def _(c: Cluster, app: str) -> None:
    port = c.calls(c.app("caller"), app)
    rule = {"from": [{"podSelector": {}}], "ports": [{"port": port + 1}]}
    _policy(c, "other-port", app, policyTypes=["Ingress"], ingress=[rule])


@scene(_FAMILY, "the callee's port is open by its name")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    c.container(app)["ports"][0]["name"] = "web"
    rule = {"from": [{"podSelector": {}}], "ports": [{"port": "web"}]}
    _policy(c, "by-name", app, policyTypes=["Ingress"], ingress=[rule])


@scene(_FAMILY, "a range of ports ends just below the callee's")
def _(c: Cluster, app: str) -> None:
    port = c.calls(c.app("caller"), app)
    rule = {"ports": [{"port": 80, "endPort": port - 1}]}
    _policy(c, "range", app, policyTypes=["Ingress"], ingress=[rule])


@scene(_FAMILY, "a range of ports ends with the callee's")
def _(c: Cluster, app: str) -> None:
    port = c.calls(c.app("caller"), app)
    rule = {"ports": [{"port": 80, "endPort": port}]}
    _policy(c, "range", app, policyTypes=["Ingress"], ingress=[rule])


@scene(_FAMILY, "two callers are stopped at one callee, a third is let in")
def _(c: Cluster, app: str) -> None:
    for name in ("one", "three", "two"):
        c.calls(c.app(name), app)
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "three"}}}]}
    _policy(c, "for-three", app, policyTypes=["Ingress"], ingress=[rule])


@scene(_FAMILY, "a policy without types that says egress is about both")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    c.calls(app, c.app("callee"))
    _policy(c, "both", app, egress=[{"to": _STRANGERS}])


@scene(_FAMILY, "a policy of another namespace, and one for other pods")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    _policy(c, "others", "nobody", policyTypes=["Ingress"])
    _policy(c, "elsewhere", app, policyTypes=["Ingress"])["metadata"]["namespace"] = "elsewhere"


def _no_names(told: str, *lines: str, down: bool = False) -> None:
    @scene(_FAMILY, f"it may go to its callee and not ask for the name: {told}")
    def _(c: Cluster, app: str) -> None:
        c.calls(app, c.app("callee"))
        _policy(
            c, "callee-only", app, policyTypes=["Egress"], egress=[{"to": [{"podSelector": {}}]}]
        )
        if lines:
            c.log(app, *lines)
        if down:
            c.stopped(app)


_no_names("it runs and says nothing")
_no_names("it is down and says nothing", down=True)
_no_names(
    "it says so",
    "lookup callee on 10.0.0.10:53: no such host",
    "lookup other on 10.0.0.10:53: no such host",
    "lookup third on 10.0.0.10:53: no such host",
    "read tcp 10.1.1.1: i/o timeout",
    down=True,
)


@scene(_FAMILY, "two policies keep it from asking for names")
def _(c: Cluster, app: str) -> None:
    _policy(c, "first", app, policyTypes=["Egress"], egress=[{"to": _STRANGERS}])
    _policy(c, "second", "", policyTypes=["Egress"])


def _names(
    told: str, labels: dict[str, str], *, name: str = "cluster-dns", space: str = "kube-system"
) -> None:
    @scene(_FAMILY, f"it may ask the DNS {told}")
    def _(c: Cluster, app: str) -> None:
        service = c.add("services", name, kind="Service", spec={"selector": labels})
        service["metadata"]["namespace"] = space
        rule = {
            "to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "names"}}}],
            "ports": [{"protocol": "UDP", "port": "dns"}],
        }
        _policy(c, "names", app, policyTypes=["Egress"], egress=[rule])


_names("by the labels of its Service", {"app": "names"})
_names("by labels that its Service does not select", {"app": "other"})
_names("of a Service without a selector", {})
_names("of a Service that is no DNS", {"app": "names"}, name="cluster-time")
_names("of another namespace", {"app": "names"}, space="elsewhere")


@scene(_FAMILY, "it may ask for names by TCP only")
def _(c: Cluster, app: str) -> None:
    rule = {"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 53}]}
    _policy(c, "by-tcp", app, policyTypes=["Egress"], egress=[rule])


def _nobody_in(told: str, **how: Any) -> None:
    @scene(_FAMILY, f"nobody may come in, {told}")
    def _(c: Cluster, app: str) -> dict[str, Any] | None:
        _policy(
            c, "closed", "" if how.get("all") else app, policyTypes=how.get("types", ["Ingress"])
        )
        if how.get("served") is False:
            c.drop("services", app)
        if how.get("down"):
            c.stopped(app)
        if how.get("tried"):
            _tried(c, app, how["tried"])
        besides: dict[str, Any] = {}
        if how.get("subject"):
            besides["subject"] = app if how["subject"] is True else how["subject"]
        if how.get("title"):
            besides["alert"] = {"title": f"Errors of {app} rise"}
        return besides


_nobody_in("and a Service leads there")
_nobody_in("and no Service leads there", served=False)
_nobody_in("not to any pod of the namespace", all=True)
_nobody_in("and the alert is about it", subject=True)
_nobody_in("and the alert is about another", subject="bystander")
_nobody_in("and the alert's title names it", title=True)
_nobody_in("not to any pod, and the alert is about one", all=True, subject=True)
_nobody_in("and the alert is about it, which is down", subject=True, down=True)
_nobody_in("and a connection failed", tried="Connection Failed")
_nobody_in("and a connection failed, but it is down", tried="Connection Failed", down=True)
_nobody_in("and a connection succeeded", tried="Connection Succeeded", subject=True)
_nobody_in("nor go out", types=["Egress", "Ingress"])
_nobody_in("by a policy that is about going out only", types=["Egress"])


@scene(_FAMILY, "a policy that closes a workload was told with its caller: it is not told again")
def _(c: Cluster, app: str) -> None:
    c.calls(c.app("caller"), app)
    beside(c, app)
    _policy(c, "closed", "", policyTypes=["Ingress"], ingress=[])


@scene(_FAMILY, "there is no policy at all")
def _(c: Cluster, app: str) -> None:
    port = c.calls(c.app("caller"), app)
    c.log("caller", f"dial tcp {app}:{port}: i/o timeout")
