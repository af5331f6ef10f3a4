"""Raw Kubernetes objects: what to leave out of them, who controls whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from manifests.objects.certificates import ends
from manifests.objects.kinds import plural_of
from manifests.objects.meta import controller_of, group_of, name_of, namespace_of, ref_of, writers
from schemas.base import Json, ObjectRef

#: Left out of every object: it tells nothing about the trouble and is half of the bytes.
_NOISE = ("kubectl.kubernetes.io/last-applied-configuration",)


def trimmed(item: Mapping[str, Any]) -> dict[str, Any]:
    """The object without managedFields and without the copy of itself that kubectl leaves in an annotation.

    Of a Secret's managedFields stays who wrote it when: its values are not there, and that they changed is evidence.
    So is the end of a certificate in it, as ``notAfter``: a certificate is public, its key is not read.
    """
    metadata = item.get("metadata")
    if not isinstance(metadata, Mapping):
        return dict(item)
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    written = writers(metadata.get("managedFields")) if item.get("kind") == "Secret" else []
    if written:
        kept["managedFields"] = written
    until = ends(item) if item.get("kind") == "Secret" else None
    if until is not None:
        item = {**item, "notAfter": until.isoformat().replace("+00:00", "Z")}
    annotations = kept.get("annotations")
    if isinstance(annotations, Mapping):
        kept["annotations"] = {k: v for k, v in annotations.items() if k not in _NOISE}
    return {**item, "metadata": kept}


class ObjectIndex:
    """Objects by kind, namespace and name, made once: a namespace has thousands of pods, each with its owners."""

    def __init__(self, objects: Mapping[str, Iterable[Json]]) -> None:
        self._found: dict[tuple[str, str, str], list[Json]] = {}
        self._named: dict[tuple[str, str], list[Json]] = {}
        for plural, items in objects.items():
            for item in items:
                namespace, name = namespace_of(item), name_of(item)
                self._found.setdefault((plural, namespace, name), []).append(item)
                self._named.setdefault((plural, name), []).append(item)

    def find(self, kind: str, namespace: str, name: str, api_version: str = "") -> Json | None:
        """The object of this kind, namespace and name; ``None`` when it was not collected or is not there.

        With ``api_version`` it must be of the same group: ``Service`` is a kind of two.
        """
        for item in self._found.get((plural_of(kind), namespace, name), ()):
            if not api_version or group_of(api_version) == group_of(item.get("apiVersion")):
                return item
        return None

    def only(self, kinds: Iterable[str], name: str) -> Json | None:
        """The one object of these kinds that has the name, in whatever namespace; ``None`` for none and for several."""
        found = [item for kind in kinds for item in self._named.get((plural_of(kind), name), ())]
        return found[0] if len(found) == 1 else None

    def top_controller(self, item: Json) -> ObjectRef:
        """The last of the chain of controllers above an object: Pod → ReplicaSet → Deployment, Pod → Job → CronJob."""
        current, namespace = item, namespace_of(item)
        for _ in range(4):  # no chain of Kubernetes' own is longer
            owner = controller_of(current)
            if owner is None:
                break
            kind, name = str(owner.get("kind", "")), str(owner.get("name", ""))
            version = str(owner.get("apiVersion", ""))
            found = self.find(kind, namespace, name, version)
            if found is None:
                return ObjectRef(api_version=version, kind=kind, namespace=namespace, name=name)
            current = found
        return ref_of(current)
