"""Faults of policies, meshes, certificates and routes."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster
from tests.support.decide.faults import fault

NET, MESH, SEC = "networking.k8s.io/v1", "networking.istio.io/v1", "security.istio.io/v1"


def _policy(c: Cluster, app: str, **spec: Any) -> None:
    c.add(
        "networkpolicies",
        c.word(),
        api=NET,
        kind="NetworkPolicy",
        spec={"podSelector": {"matchLabels": {"app": app}}, **spec},
    )


@fault("network_policy_blocks", "ingress")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    port = c.calls(caller, app)
    _policy(
        c,
        app,
        policyTypes=["Ingress"],
        ingress=[{"from": [{"podSelector": {"matchLabels": {"app": c.word()}}}]}],
    )
    c.log(caller, f"dial tcp 10.9.9.9:{port}: i/o timeout while calling {app}")


@fault("network_policy_blocks", "port")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    port = c.calls(caller, app)
    _policy(
        c,
        app,
        policyTypes=["Ingress"],
        ingress=[{"ports": [{"protocol": "TCP", "port": port + 1}]}],
    )
    c.log(caller, f"Error: connect ETIMEDOUT {app}:{port}")


@fault("network_policy_blocks", "egress")
def _(c: Cluster, app: str) -> None:
    callee = c.app()
    port = c.calls(app, callee)
    _policy(c, app, policyTypes=["Egress"], egress=[{"ports": [{"protocol": "UDP", "port": 53}]}])
    c.log(app, f"java.net.SocketTimeoutException: connect timed out: {callee}:{port}")


@fault("network_policy_blocks", "names")
def _(c: Cluster, app: str) -> None:
    callee = c.app()
    c.calls(app, callee)
    _policy(c, app, policyTypes=["Egress"], egress=[{"to": [{"podSelector": {}}]}])
    c.crashed(app, 1, f"Error: getaddrinfo EAI_AGAIN {callee}")


@fault("network_policy_blocks", "all")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    port = c.calls(caller, app)
    c.add(
        "networkpolicies",
        c.word(),
        api=NET,
        kind="NetworkPolicy",
        spec={
            "podSelector": {
                "matchExpressions": [{"key": "app", "operator": "In", "values": [app]}]
            },
            "policyTypes": ["Ingress"],
        },
    )
    c.crashed(caller, 1, f"dial tcp: {app}:{port}: i/o timeout")


@fault("mesh_policy_blocks", "denied")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    c.calls(caller, app)
    c.add(
        "authorizationpolicies",
        c.word(),
        api=SEC,
        kind="AuthorizationPolicy",
        spec={
            "selector": {"matchLabels": {"app": app}},
            "action": "ALLOW",
            "rules": [
                {
                    "from": [
                        {
                            "source": {
                                "principals": [f"cluster.local/ns/{c.namespace}/sa/{c.word()}"]
                            }
                        }
                    ]
                }
            ],
        },
    )
    c.log(caller, f"GET http://{app}/ 403 RBAC: access denied")


@fault("mesh_policy_blocks", "strict")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    port = c.calls(caller, app)
    c.pod(app)["spec"]["containers"] = [
        *c.pod(app)["spec"]["containers"],
        {"name": "istio-proxy", "image": "p:1"},
    ]
    c.pod(app)["status"]["containerStatuses"].append(
        {"name": "istio-proxy", "ready": True, "restartCount": 0}
    )
    c.add(
        "peerauthentications",
        c.word(),
        api=SEC,
        kind="PeerAuthentication",
        spec={"mtls": {"mode": "STRICT"}},
    )
    c.log(caller, f"read tcp 10.1.1.1:4->{app}:{port}: read: connection reset by peer")


def _route(c: Cluster, app: str, **rule: Any) -> None:
    c.add(
        "virtualservices",
        app,
        api=MESH,
        kind="VirtualService",
        spec={"hosts": [app], "http": [{"route": [{"destination": {"host": app}}], **rule}]},
    )


@fault("mesh_policy_blocks", "subset")
def _(c: Cluster, app: str) -> None:
    c.add(
        "destinationrules",
        app,
        api=MESH,
        kind="DestinationRule",
        spec={
            "host": app,
            "subsets": [
                {"name": "v1", "labels": {"app": app}},
                {"name": "v2", "labels": {"version": "v2"}},
            ],
        },
    )
    _route(c, app, route=[{"destination": {"host": app, "subset": "v2"}}])


@fault("mesh_policy_blocks", "injected")
def _(c: Cluster, app: str) -> None:
    _route(c, app, fault={"abort": {"percentage": {"value": 100}, "httpStatus": 503}})


@fault("certificate_invalid", "expired")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    c.calls(caller, app)
    c.log(
        caller,
        f'Get "https://{app}/": tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
    )
    c.stopped(caller)


@fault("certificate_invalid", "issuer")
def _(c: Cluster, app: str) -> None:
    secret = c.word()
    c.get("deployments", app)["spec"]["template"]["spec"]["volumes"] = [
        {"name": "tls", "secret": {"secretName": secret}}
    ]
    c.add(
        "certificates",
        c.word(),
        api="cert-manager.io/v1",
        kind="Certificate",
        spec={"secretName": secret},
        status={
            "notAfter": "2026-05-01T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "False", "reason": "Expired"}],
        },
    )


@fault("certificate_invalid", "untrusted")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "sun.security.validator.ValidatorException: PKIX path building failed: unable to find valid certification path",
    )


def _ingress(c: Cluster, app: str, **backend: Any) -> str:
    name = c.word()
    service = {
        "name": app,
        "port": {"number": c.get("services", app)["spec"]["ports"][0]["port"]},
        **backend,
    }
    c.add(
        "ingresses",
        name,
        api=NET,
        kind="Ingress",
        spec={
            "ingressClassName": "edge",
            "rules": [
                {
                    "host": "a.example",
                    "http": {"paths": [{"path": "/", "backend": {"service": service}}]},
                }
            ],
        },
    )
    return name


@fault("route_backend_mismatch", "ingress service")
def _(c: Cluster, app: str) -> str:
    return _ingress(c, app, name=f"{app}-svc")


@fault("route_backend_mismatch", "ingress port")
def _(c: Cluster, app: str) -> str:
    return _ingress(c, app, port={"number": 1})


@fault("route_backend_mismatch", "http route")
def _(c: Cluster, app: str) -> str:
    name = c.word()
    c.add(
        "httproutes",
        name,
        api="gateway.networking.k8s.io/v1",
        kind="HTTPRoute",
        spec={"rules": [{"backendRefs": [{"name": app, "port": 1}]}]},
    )
    return name


@fault("route_backend_mismatch", "virtual service")
def _(c: Cluster, app: str) -> str:
    _route(c, app, route=[{"destination": {"host": f"{app}x"}}])
    return app


@fault("route_host_mismatch", "class")
def _(c: Cluster, app: str) -> str:
    c.objects["ingressclasses"] = [{"metadata": {"name": "front"}}]
    return _ingress(c, app)


@fault("route_host_mismatch", "listener")
def _(c: Cluster, app: str) -> str:
    name = c.word()
    said = {
        "type": "Accepted",
        "status": "False",
        "reason": "NoMatchingListenerHostname",
        "message": "no",
    }
    c.add(
        "httproutes",
        name,
        api="gateway.networking.k8s.io/v1",
        kind="HTTPRoute",
        spec={},
        status={"parents": [{"conditions": [said]}]},
    )
    return name


@fault("certificate_secret_missing")
def _(c: Cluster, app: str) -> str:
    name, secret = _ingress(c, app), c.word()
    c.add("secrets", f"{secret}-tls", kind="Secret")
    c.get("ingresses", name)["spec"]["tls"] = [{"secretName": f"{secret}tls"}]
    return name
