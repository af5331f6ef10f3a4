"""A thin client of the lab's own API server: JSON in, JSON out, many threads."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx

from manifests.objects.kinds import plural_of
from tools.realparts.kubernetes import ControlPlane

Obj = dict[str, Any]
#: Group and version of the kinds that cases are made of, the core group's as ``v1``.
GROUPS: dict[str, tuple[str, ...]] = {
    "v1": (
        "pods",
        "services",
        "endpoints",
        "events",
        "configmaps",
        "secrets",
        "serviceaccounts",
        "persistentvolumeclaims",
        "resourcequotas",
        "limitranges",
    ),
    "apps/v1": ("deployments", "replicasets", "statefulsets", "daemonsets"),
    "batch/v1": ("jobs", "cronjobs"),
    "autoscaling/v2": ("horizontalpodautoscalers",),
    "policy/v1": ("poddisruptionbudgets",),
    "networking.k8s.io/v1": ("ingresses", "networkpolicies"),
    "rbac.authorization.k8s.io/v1": ("roles", "rolebindings"),
    "discovery.k8s.io/v1": ("endpointslices",),
}
CLUSTER_WIDE: dict[str, tuple[str, ...]] = {
    "v1": ("nodes", "namespaces", "persistentvolumes"),
    "storage.k8s.io/v1": ("storageclasses",),
    "admissionregistration.k8s.io/v1": ("validatingwebhookconfigurations",),
    "apiregistration.k8s.io/v1": ("apiservices",),
}


class NotServed(Exception):
    """The server said no. ``code`` is the HTTP status, the text its message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message


def plural(kind: str) -> str:
    """``NetworkPolicy`` → ``networkpolicies``."""
    return plural_of(kind)


def root(version: str) -> str:
    """The path below which a group's version is served."""
    return f"/api/{version}" if "/" not in version else f"/apis/{version}"


def path_of(manifest: Obj, name: str = "") -> str:
    """Where an object of this kind and namespace lives; the collection without ``name``."""
    space = (manifest.get("metadata") or {}).get("namespace")
    parts = [root(str(manifest["apiVersion"]))]
    parts += ["namespaces", space] if space else []
    parts += [plural(str(manifest["kind"]))] + ([name] if name else [])
    return "/".join(parts)


class Api:
    """Requests as the cluster's administrator."""

    def __init__(self, plane: ControlPlane) -> None:
        context = ssl.create_default_context(cafile=str(plane.authority.file))
        context.load_cert_chain(*plane.admin)
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self._http = httpx.Client(
            base_url=plane.url, verify=context, timeout=30, limits=limits, trust_env=False
        )

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def call(self, method: str, path: str, body: Any = None, content: str = "json") -> Any:
        """One request. Raises NotServed for a status of 400 and more."""
        headers = {"Content-Type": f"application/{content}"}
        raw = None if body is None else json.dumps(body).encode()
        answer = self._http.request(method, path, content=raw, headers=headers)
        if answer.status_code >= 400:
            try:
                message = str(answer.json().get("message") or answer.text)
            except ValueError:
                message = answer.text
            raise NotServed(answer.status_code, message)
        return answer.json()

    def get(self, path: str) -> Any:
        """The object or list at a path."""
        return self.call("GET", path)

    def items(self, path: str) -> list[Obj]:
        """The items of a list."""
        found: list[Obj] = self.get(path).get("items") or []
        return found

    def create(self, manifest: Obj) -> Obj:
        """Creates an object where its kind and namespace belong."""
        made: Obj = self.call("POST", path_of(manifest), manifest)
        return made

    def merge(self, path: str, patch: Obj, *, strategic: bool = False) -> Obj:
        """A merge patch, a strategic one for lists that merge by key (conditions)."""
        kind = "strategic-merge-patch+json" if strategic else "merge-patch+json"
        changed: Obj = self.call("PATCH", path, patch, kind)
        return changed

    def watch(self, path: str, version: str = "0") -> Iterator[tuple[str, Obj]]:
        """Changes below a path, from the server's whole present state on; ends when the server ends it."""
        url = f"{path}?watch=true&resourceVersion={version}"
        with self._http.stream("GET", url, timeout=httpx.Timeout(30, read=None)) as stream:
            for line in stream.iter_lines():
                if line:
                    change = json.loads(line)
                    yield str(change["type"]), change["object"]
