"""Requirements of a pod's affinity as wishes."""

from __future__ import annotations

from typing import Any

from manifests.objects.shapes import Obj, items

_WISHED = "preferredDuringSchedulingIgnoredDuringExecution"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def wished(current: Obj, key: str) -> dict[str, Any]:
    """An affinity without its requirements: each becomes the heaviest wish, under ``key``, behind those that stand there."""
    required = current.get(REQUIRED)
    terms = items(required, "nodeSelectorTerms") or items(required)
    keep = {k: v for k, v in current.items() if not k.startswith("required")}
    keep[_WISHED] = [*items(keep.get(_WISHED)), *({"weight": 100, key: term} for term in terms)]
    return keep
