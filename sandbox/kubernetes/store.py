"""The cluster's state: plain objects in memory. Scenarios put, change and delete; the API server reads.

Every stored object has uid, resourceVersion, creationTimestamp and, where it has a spec, a generation. Quotas count
themselves, as the quota controller would. Safe to use from several threads.
"""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.kubernetes import admission
from sandbox.kubernetes.kinds import BUILT_IN, Kind

Object = dict[str, Any]
Key = tuple[str, str, str, str]


def now() -> str:
    """The present as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class UnknownKind(KeyError):
    """The cluster serves no such kind; custom ones are added with ``Cluster.register``."""


class Cluster:
    """One cluster. ``name`` is what Datadog's tag ``kube_cluster_name`` would say."""

    def __init__(self, name: str = "sandbox", version: str = "v1.37.2") -> None:
        self.name = name
        self.version = version
        self.kinds: list[Kind] = list(BUILT_IN)
        #: Rights taken away, as (verb, plural or plural/subresource); ``*`` stands for any.
        self.denied: set[tuple[str, str]] = set()
        #: The admission policy that refuses whatever comes over HTTP and is no dry-run, as ``deploy/kubernetes`` has it.
        self.locked = False
        self._objects: dict[Key, Object] = {}
        self._logs: dict[tuple[str, str, str, bool], str] = {}
        self._lock = threading.RLock()
        self._version = 1
        self._compacted = 0
        for namespace in ("default", "kube-system"):
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    @property
    def resource_version(self) -> int:
        """Grows by one with each change."""
        return self._version

    @property
    def compacted(self) -> int:
        """List pages from before this version have expired."""
        return self._compacted

    def compact(self) -> None:
        """Expires every list token given out so far (410 Gone)."""
        with self._lock:
            self._version += 1
            self._compacted = self._version

    def register(self, kind: Kind) -> None:
        """Serves one more kind, as a CustomResourceDefinition does."""
        self.kinds.append(kind)

    def kind(self, api_version: str, kind: str) -> Kind:
        """The served kind. Raises UnknownKind."""
        for served in self.kinds:
            if (served.version, served.kind) == (api_version, kind):
                return served
        raise UnknownKind(f"{api_version} {kind}")

    def plural(self, version: str, plural: str) -> Kind | None:
        """The served kind at a path."""
        return next((k for k in self.kinds if (k.version, k.plural) == (version, plural)), None)

    def put(self, obj: Object) -> Object:
        """Creates or replaces an object as it is given, without admission. Returns a copy of what is stored."""
        kind = self.kind(str(obj["apiVersion"]), str(obj["kind"]))
        with self._lock:
            stored = copy.deepcopy(obj)
            metadata = stored["metadata"]
            if kind.namespaced:
                metadata.setdefault("namespace", "default")
            key = self._key(kind, metadata.get("namespace", ""), metadata["name"])
            self._stamp(kind, stored, self._objects.get(key))
            self._objects[key] = stored
            self._count(metadata.get("namespace", ""), kind)
            return copy.deepcopy(stored)

    def _stamp(self, kind: Kind, stored: Object, old: Object | None) -> None:
        self._version += 1
        metadata, before = stored["metadata"], (old or {}).get("metadata", {})
        metadata["uid"] = before.get("uid") or metadata.get("uid") or str(uuid.uuid4())
        created = before.get("creationTimestamp") or metadata.get("creationTimestamp")
        metadata["creationTimestamp"] = created or now()
        metadata["resourceVersion"] = str(self._version)
        if kind.kind == "Namespace":
            stored.setdefault("status", {"phase": "Active"})
            labels = metadata.get("labels") or {}
            metadata["labels"] = {"kubernetes.io/metadata.name": metadata["name"], **labels}
        if "spec" in stored and kind.kind not in ("ResourceQuota", "LimitRange"):
            changed = old is not None and old.get("spec") != stored["spec"]
            metadata["generation"] = (
                before.get("generation", metadata.get("generation", 1)) + changed
            )

    def _count(self, namespace: str, changed: Kind) -> None:
        """Recomputes the namespace's quota status, as the quota controller does."""
        if changed.kind == "ResourceQuota" or changed.namespaced:
            for key, quota in self._objects.items():
                if key[:3] == ("v1", "resourcequotas", namespace):
                    hard = (quota.get("spec") or {}).get("hard") or {}
                    used = {name: self._used(name, quota, namespace) for name in hard}
                    quota["status"] = {"hard": dict(hard), "used": used}

    def _used(self, name: str, quota: Object, namespace: str) -> str:
        if name.startswith("count/") or name in ("services", "configmaps", "secrets"):
            plural = name.removeprefix("count/").partition(".")[0]
            return str(sum(1 for k in self._objects if k[1] == plural and k[2] == namespace))
        total = Decimal(0)
        for pod in self._matching("v1", "pods", namespace):
            done = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
            if not done and admission.in_scope(quota, pod["spec"]):
                total += admission.usage(pod["spec"]).get(name, Decimal(0))
        return admission.plain(total, name)

    @staticmethod
    def _key(kind: Kind, namespace: str, name: str) -> Key:
        return (kind.version, kind.plural, namespace if kind.namespaced else "", name)

    def _matching(self, version: str, plural: str, namespace: str) -> Iterable[Object]:
        for key, obj in self._objects.items():
            if key[:2] == (version, plural) and namespace in ("", key[2]):
                yield obj

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """A copy of one object, or ``None``."""
        with self._lock:
            return copy.deepcopy(self._objects.get(self._key(kind, namespace, name)))

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """As ``get``, by kind name alone (``Deployment``); the first served kind of that name."""
        served = next((k for k in self.kinds if k.kind == kind), None)
        return None if served is None else self.get(served, namespace, name)

    def list(self, plural: str, namespace: str = "", *, version: str = "") -> list[Object]:
        """Copies of all objects of a kind, by namespace and name; ``version`` only where plurals clash."""
        with self._lock:
            found = [
                (key, obj)
                for key, obj in self._objects.items()
                if key[1] == plural and version in ("", key[0]) and namespace in ("", key[2])
            ]
            return [copy.deepcopy(obj) for _, obj in sorted(found, key=lambda pair: pair[0])]

    def look(self, plural: str, namespace: str = "") -> Sequence[Object]:
        """The stored objects of a kind themselves, in no order: to read and not to change."""
        with self._lock:
            return [
                obj
                for key, obj in self._objects.items()
                if key[1] == plural and namespace in ("", key[2])
            ]

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        """Removes an object; whether it was there. What it owned stays: delete that too."""
        served = next((k for k in self.kinds if k.kind == kind), None)
        if served is None:
            raise UnknownKind(kind)
        with self._lock:
            gone = self._objects.pop(self._key(served, namespace, name), None)
            if gone is not None:
                self._version += 1
                self._count(namespace, served)
            return gone is not None

    def event(
        self,
        about: Object,
        reason: str,
        message: str,
        *,
        type_: str = "Warning",
        count: int = 1,
        at: str = "",
        component: str = "kubelet",
    ) -> Object:
        """Records an event about an object; the same reason and message again raises its count."""
        metadata = about["metadata"]
        namespace = metadata.get("namespace", "default")
        for old in self.look("events", namespace):
            same = (old["involvedObject"].get("uid"), old["reason"], old["message"])
            if same == (metadata.get("uid"), reason, message):
                return self.put(old | {"count": old["count"] + count, "lastTimestamp": at or now()})
        involved = {"kind": about["kind"], "apiVersion": about["apiVersion"]}
        involved |= {key: metadata[key] for key in ("name", "namespace", "uid") if key in metadata}
        return self.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {
                    "name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}",
                    "namespace": namespace,
                },
                "involvedObject": involved,
                "reason": reason,
                "message": message,
                "type": type_,
                "count": count,
                "firstTimestamp": at or now(),
                "lastTimestamp": at or now(),
                "source": {"component": component},
                "reportingComponent": component,
            }
        )

    def set_log(
        self, namespace: str, pod: str, container: str, text: str, *, previous: bool = False
    ) -> None:
        """What ``pods/log`` answers for a container, or for its previous run."""
        with self._lock:
            self._logs[(namespace, pod, container, previous)] = text

    def log(
        self, namespace: str, pod: str, container: str, *, previous: bool = False
    ) -> str | None:
        """A container's log; ``None`` when there is none."""
        with self._lock:
            return self._logs.get((namespace, pod, container, previous))
