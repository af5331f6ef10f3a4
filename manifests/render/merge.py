"""Strategic merge patches and JSON patches on plain objects, as far as the built-in renderer needs them. Pure.

Source: Kubernetes' API reference (patchMergeKey and patchStrategy of each list); RFC 6902.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from kfix.texts import say
from manifests.repository.rendering import NotRendered
from schemas.base import Json

#: Lists that a strategic merge patch merges by a field; others are replaced as a whole.
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "ports": ("containerPort", "port"),
}
#: Kinds that Kubernetes merges strategically; custom resources take a plain JSON merge.
_BUILT_IN = re.compile(r"(v1|(apps|batch|autoscaling|policy)/.*|[a-z.]+\.k8s\.io/.*)")


def merges_by(key: str, field: str) -> bool:
    """Does Kubernetes merge the lists of this name by this field?"""
    return field in _MERGE_KEYS.get(key, ())


def merge_keys(key: str) -> tuple[str, ...]:
    """The fields by which Kubernetes may merge the lists of this name."""
    return _MERGE_KEYS.get(key, ())


def is_built_in(item: Json) -> bool:
    """Does Kubernetes know which lists of this object merge by a field?"""
    return bool(_BUILT_IN.fullmatch(str(item.get("apiVersion", ""))))


def merged(base: Json, patch: Json, strategic: bool, key: str = "") -> Json:
    """``base`` with a strategic (or JSON) merge patch laid over it."""
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        if any(str(k).startswith("$") for k in patch):
            raise NotRendered(say("manifests.patch_directive_not_built_subset"))
        out = dict(base)
        for name, value in patch.items():
            if value is None:
                out.pop(name, None)
            else:
                out[name] = merged(out.get(name), value, strategic, str(name))
        return out
    by = _merge_key(base, patch, key) if strategic else None
    if by is None:
        return patch
    if any("$patch" in new for new in patch):
        raise NotRendered(say("manifests.patch_directive_not_built_subset"))
    # kustomize puts the patch's items first, in the patch's order.
    there = {old[by]: old for old in base}
    named = {new[by] for new in patch}
    first = [merged(there[new[by]], new, strategic) if new[by] in there else new for new in patch]
    return first + [old for old in base if old[by] not in named]


def _merge_key(base: Json, patch: Json, key: str) -> str | None:
    if not (isinstance(base, list) and isinstance(patch, list)):
        return None
    together = [*base, *patch]
    if not all(isinstance(item, Mapping) for item in together):
        return None
    return next((by for by in _MERGE_KEYS.get(key, ()) if all(by in i for i in together)), None)


def json_patched(item: Json, patch: list[Any]) -> Json:
    """RFC 6902 add, replace and remove; other operations are not in the subset."""
    out = copy.deepcopy(item)
    for operation in patch:
        parts = [
            p.replace("~1", "/").replace("~0", "~")
            for p in str(operation.get("path", ""))[1:].split("/")
        ]
        node = out
        try:
            for part in parts[:-1]:
                node = node[int(part)] if isinstance(node, list) else node[part]
            _operate(node, parts[-1], operation)
        except (KeyError, IndexError, ValueError, TypeError) as failure:
            raise NotRendered(
                say("manifests.json_patch_does_not_fit", name=type(failure).__name__)
            ) from None
    return out


def _operate(node: Any, last: str, operation: Mapping[str, Any]) -> None:
    what, value = operation.get("op"), operation.get("value")
    if what not in ("add", "replace", "remove"):
        raise NotRendered(say("manifests.json_operation_not_built_in", what=str(what)))
    if isinstance(node, list):
        at = len(node) if last == "-" else int(last)
        if not 0 <= at <= len(node):
            raise IndexError(at)
        if what == "add":
            node.insert(at, value)
        elif what == "replace":
            node[at] = value
        else:
            del node[at]
    elif what == "remove":
        del node[last]
    elif what == "replace" and last not in node:
        raise KeyError(last)
    else:
        node[last] = value
