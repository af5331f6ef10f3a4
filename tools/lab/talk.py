"""What programs print while they run: their own lines, and what becomes of their calls. Rendered, not observed.

Whether a call succeeds is computed from the dumped objects as kube-proxy and cluster DNS would: Service, its ports,
ready endpoints, the port that the callee listens at, policies.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from tools.lab import words
from tools.lab.live import Live
from tools.lab.scene import App, Obj

_PLACE = re.compile(r"^(?:\w+://)?(?P<host>[a-z0-9.-]+):(?P<port>\d+)")
Read = dict[str, list[Obj]]


def logs_of(live: Live, objects: Read) -> Iterator[tuple[str, str, str, list[str]]]:
    """Namespace, pod, file stem and lines of every log."""
    for (namespace, pod, container), (now, before) in sorted(live.kubelets.logs.items()):
        if namespace != live.scene.namespace:
            continue
        found = next(
            (p for p in objects[f"{namespace}/pods"] if p["metadata"]["name"] == pod), None
        )
        if found is None:
            continue
        alone = len(found["spec"]["containers"]) == 1 and not found["spec"].get("initContainers")
        stem = "logs" if alone else f"{container}-logs"
        app = _app(live, pod)
        first = bool(app) and container == found["spec"]["containers"][0]["name"]
        lines = [*now, *_business(live, app, found, objects)] if app and first else now
        if lines:
            yield namespace, pod, stem, lines
        if before:
            yield namespace, pod, f"{stem}-previous", before


def _app(live: Live, pod: str) -> App | None:
    fitting = [a for a in live.scene.apps if pod == a.name or pod.startswith(f"{a.name}-")]
    return max(fitting, key=lambda a: len(a.name), default=None)


def _business(live: Live, app: App, pod: Obj, objects: Read) -> list[str]:
    """Calls and requests of a container that runs."""
    state = (pod.get("status") or {}).get("containerStatuses") or [{}]
    if "running" not in (state[0].get("state") or {}):
        return []
    rng = random.Random(f"{live.scene.seed}/{pod['metadata']['name']}/log")
    out = [_served(app, rng) for _ in range(rng.randint(2, 6))]
    for key in app.calls:
        trouble = call(live, app, key, pod, objects)
        if trouble:
            for _ in range(rng.randint(3, 8)):
                out += [trouble, *([_served(app, rng)] if rng.random() < 0.3 else [])]
    return out


def _served(app: App, rng: random.Random) -> str:
    return words.SERVED[app.program.language].format(ms=rng.randint(2, 90))


def call(live: Live, app: App, key: str, pod: Obj, objects: Read) -> str:
    """The line that a failing call leaves, empty where it succeeds."""
    place = _PLACE.match(_value(live, pod["spec"]["containers"][0], key, objects))
    if place is None:
        return ""
    host, port = place["host"], int(place["port"])
    names = {"host": host, "port": port, "ip": "10.96.0.1"}
    language = app.program.language
    service = _service(live, host, objects)
    if service is None or pod["spec"].get("dnsPolicy") in ("None", "Default"):
        return words.UNKNOWN_HOST[language].format(**names)
    names["ip"] = service["spec"].get("clusterIP", "10.96.0.1")
    verdict = _reached(live, service, port, objects)
    if verdict == "refused":
        return words.REFUSED[language].format(**names)
    return words.TIMED_OUT[language].format(**names) if verdict else ""


def _value(live: Live, container: Obj, key: str, objects: Read) -> str:
    """A variable's value, from the manifest or from a ConfigMap that it is filled from."""
    for entry in container.get("env", []):
        if entry["name"] == key:
            return str(entry.get("value", ""))
    sources = {(s.get("configMapRef") or {}).get("name") for s in container.get("envFrom", [])}
    for config in objects[f"{live.scene.namespace}/configmaps"]:
        if config["metadata"]["name"] in sources and key in (config.get("data") or {}):
            return str(config["data"][key])
    return ""


def _service(live: Live, host: str, objects: Read) -> Obj | None:
    parts = host.split(".")
    if len(parts) > 1 and parts[1] != live.scene.namespace:
        return None
    return next(
        (
            s
            for s in objects[f"{live.scene.namespace}/services"]
            if s["metadata"]["name"] == parts[0]
        ),
        None,
    )


def _reached(live: Live, service: Obj, port: int, objects: Read) -> str:
    offered = next((p for p in service["spec"]["ports"] if p["port"] == port), None)
    if offered is None or offered.get("protocol", "TCP") != "TCP":
        return "timed out"
    space = live.scene.namespace
    selector = service["spec"].get("selector") or {}
    ready = [
        p
        for p in objects[f"{space}/pods"]
        if _ready(p) and selector.items() <= p["metadata"]["labels"].items()
    ]
    if not ready:
        return "refused"
    callee = _app(live, ready[0]["metadata"]["name"])
    if any(_closes(policy, ready[0]) for policy in objects[f"{space}/networkpolicies"]):
        return "timed out"
    target = offered.get("targetPort", port)
    if isinstance(target, str):
        ports = [p for c in ready[0]["spec"]["containers"] for p in c.get("ports", [])]
        target = next((p["containerPort"] for p in ports if p.get("name") == target), None)
    listened = {callee.program.port, *(p.port for p in callee.beside.values())} if callee else set()
    return "" if target in listened else "refused"


def _ready(pod: Obj) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _closes(policy: Obj, pod: Obj) -> bool:
    spec = policy["spec"]
    selector = (spec.get("podSelector") or {}).get("matchLabels") or {}
    mine = selector.items() <= pod["metadata"]["labels"].items()
    return mine and "Ingress" in spec.get("policyTypes", ["Ingress"]) and not spec.get("ingress")
