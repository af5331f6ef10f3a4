"""Traffic that does not arrive. Services and endpoints are real; what callers print about it is rendered."""

from __future__ import annotations

from tools.lab.apps import another, connect
from tools.lab.faults import fault
from tools.lab.live import Live
from tools.lab.scene import App, Obj, Scene, Visible


def _service(app: App) -> Obj:
    assert app.service is not None
    return app.service


def _called(scene: Scene, app: App) -> None:
    """Somebody calls it: whoever it does not hang on itself, or somebody new."""
    if any(app.name in one.calls.values() for one in scene.apps):
        return
    free = [
        a for a in scene.apps if a is not app and a.name not in _reaches(scene, app) | scene.apart
    ]
    connect(scene, scene.pick(free) if free else another(scene), app)


def _reaches(scene: Scene, app: App) -> set[str]:
    out: set[str] = set()
    waiting = list(app.calls.values())
    while waiting:
        name = waiting.pop()
        if name not in out:
            out.add(name)
            waiting += scene.app(name).calls.values()
    return out


def _no_endpoints(app: App) -> Visible:
    def visible(live: Live) -> bool:
        found = {e["metadata"]["name"]: e for e in live.items("v1", "endpoints")}
        mine = found.get(app.name)
        return mine is not None and not mine.get("subsets")

    return visible


@fault("services", "service_selector_mismatch", outage=True)
def selector(scene: Scene, app: App) -> str:
    """The Service selects a label, or a value, that its pods do not have."""
    _called(scene, app)
    chosen = _service(app)["spec"]["selector"]
    key = scene.pick(sorted(chosen))
    way = scene.pick(("value", "key", "extra"))
    if way == "value":
        chosen[key] = scene.words.misspelt(chosen[key])
    elif way == "key":
        chosen["name"] = chosen.pop(next(k for k in chosen if chosen[k] == app.name))
    else:
        chosen["version"] = scene.pick(("v2", "stable", "canary"))
    scene.visible.append(_no_endpoints(app))
    return ""


@fault("services", "service_port_mismatch", "synthetic", outage=True)
def target_port(scene: Scene, app: App) -> str:
    """The Service's target port is a number at which nothing listens."""
    _called(scene, app)
    port = _service(app)["spec"]["ports"][0]
    wrong = [p for p in (80, 8000, 8080, 8081, 3000, 5000, 9090) if p != app.program.port]
    port["targetPort"] = scene.pick((scene.pick(wrong), app.program.port + 1))
    return ""


@fault("services", "service_port_mismatch", outage=True)
def target_port_name(scene: Scene, app: App) -> str:
    """The Service's target port is a name that the pods do not have."""
    _called(scene, app)
    app.container["ports"][0]["name"] = "web"
    _service(app)["spec"]["ports"][0]["targetPort"] = scene.pick(
        ("http", "api", "webb", "main-port")
    )
    return ""


@fault("services", "service_protocol_mismatch", outage=True)
def protocol(scene: Scene, app: App) -> str:
    """The Service offers UDP, the program speaks TCP."""
    _called(scene, app)
    _service(app)["spec"]["ports"][0]["protocol"] = "UDP"
    app.container["ports"][0]["protocol"] = "TCP"
    return ""


def _entry(app: App, scene: Scene) -> Obj:
    """The variable with the address of something it calls."""
    if not app.calls:
        callee = scene.pick([a for a in scene.apps if a is not app])
        connect(scene, app, callee)
    key = scene.pick(sorted(app.calls))
    entry: Obj = next(e for e in app.container["env"] if e["name"] == key)
    return entry


@fault("services", "env_address_mismatch")
def env_host(scene: Scene, app: App) -> str:
    """The address in its environment names a Service that is not there."""
    entry = _entry(app, scene)
    name = app.calls[entry["name"]]
    entry["value"] = entry["value"].replace(name, scene.words.misspelt(name), 1)
    return ""


@fault("services", "env_address_mismatch")
def env_namespace(scene: Scene, app: App) -> str:
    """The address in its environment names another namespace."""
    entry = _entry(app, scene)
    host = f"{app.calls[entry['name']]}.{scene.words.word()}.svc.cluster.local"
    entry["value"] = f"{host}:{entry['value'].rpartition(':')[2]}"
    return ""


@fault("services", "env_address_mismatch")
def env_port(scene: Scene, app: App) -> str:
    """The address in its environment names a port that the Service does not have."""
    entry = _entry(app, scene)
    head, _, port = entry["value"].rpartition(":")
    entry["value"] = f"{head}:{int(port) + scene.pick((1, 10, 1000))}"
    return ""


@fault("services", "dns_config_broken", "synthetic")
def dns(scene: Scene, app: App) -> str:
    """Its pods ask a resolver that does not know the cluster's names."""
    _entry(app, scene)
    if scene.rng.random() < 0.3:
        app.spec["dnsPolicy"] = "Default"
        return ""
    app.spec["dnsPolicy"] = "None"
    app.spec["dnsConfig"] = {"nameservers": [scene.pick(("192.0.2.53", "198.51.100.1"))]}
    return ""


@fault("services", "network_policy_blocks", "synthetic", outage=True)
def network_policy(scene: Scene, app: App) -> str:
    """A policy selects the callee and lets nobody in."""
    _called(scene, app)
    name = scene.pick(("deny-all", "lockdown", scene.words.word()))
    spec: Obj = {
        "podSelector": {"matchLabels": dict(app.template["metadata"]["labels"])},
        "policyTypes": ["Ingress"],
    }
    scene.before.append(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": scene.namespace},
            "spec": spec,
        }
    )
    return ""


@fault("services", "route_backend_mismatch")
def ingress(scene: Scene, app: App) -> str:
    """An Ingress leads to a Service that is not there."""
    name = f"{scene.words.word()}-web"
    backend = {"service": {"name": scene.words.misspelt(app.name), "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    rule = {"host": f"{scene.words.word()}.example.com", "http": {"paths": paths}}
    scene.before.append(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "namespace": scene.namespace},
            "spec": {"rules": [rule]},
        }
    )
    return f"ingress/{name}"


@fault("services", "service_missing", "synthetic", outage=True)
def no_service(scene: Scene, app: App) -> str:
    """The application runs, and the Service that its callers name was never made, or deleted."""
    _called(scene, app)
    app.service = None
    return ""


@fault("services", "load_balancer_pending")
def load_balancer(scene: Scene, app: App) -> str:
    """The Service wants a load balancer, and nobody makes one."""
    _service(app)["spec"]["type"] = "LoadBalancer"
    scene.title = "{app} is not reachable from outside"
    return ""


@fault("services", "certificate_secret_missing")
def tls_secret(scene: Scene, app: App) -> str:
    """An Ingress names a TLS secret that is not there."""
    name, host = f"{scene.words.word()}-web", f"{scene.words.word()}.example.com"
    port = _service(app)["spec"]["ports"][0]["port"]
    backend = {"service": {"name": app.name, "port": {"number": port}}}
    rule = {
        "host": host,
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
    }
    spec = {"tls": [{"hosts": [host], "secretName": f"{name}-tls"}], "rules": [rule]}
    scene.before.append(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "namespace": scene.namespace},
            "spec": spec,
        }
    )
    scene.title = "{app}: certificate check fails"
    return f"ingress/{name}"


@fault("services", "env_address_mismatch")
def config_host(scene: Scene, app: App) -> str:
    """The address comes from a ConfigMap, and names a Service that is not there."""
    entry = _entry(app, scene)
    name = app.calls[entry["name"]]
    app.container["env"].remove(entry)
    wrong = entry["value"].replace(name, scene.words.misspelt(name), 1)
    meta = {"name": f"{app.name}-env", "namespace": scene.namespace}
    app.extras.append(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {entry["name"]: wrong}}
    )
    app.container["envFrom"] = [{"configMapRef": {"name": f"{app.name}-env"}}]
    return ""
