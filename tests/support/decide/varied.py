"""One thing changed in what a fault left behind: a number, a word, a switch, a field less, an item more."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from typing import Any

from tests.support.decide.clusters import Cluster

Path = tuple[str | int, ...]
#: What is changed most where it is there: what the fault itself put there.
_OF_FAULT, _OF_APP = 14, 5
_UNTOUCHED = {"kind", "apiVersion", "namespace", "uid"}
_NUMBER = re.compile(r"\d+")


def variations(fault: Any, app: str, cluster: Cluster, seed: str) -> Iterator[tuple[str, Cluster]]:
    """What was changed, and the cluster with the fault and that change. The same for the same seed."""
    chance = random.Random(seed)
    before = _leaves(cluster)
    fault(cluster, app)
    after = _leaves(cluster)
    of_fault = [path for path, value in after.items() if before.get(path) != value]
    of_app = [path for path in after if path not in of_fault and _is_of(cluster, path, app)]
    chosen = _some(chance, of_fault, _OF_FAULT) + _some(chance, of_app, _OF_APP)
    for path in chosen:
        varied = copy.deepcopy(cluster)
        told = _change(varied, path, after[path], chance)
        if told:
            yield told, varied


def _some(chance: random.Random, paths: list[Path], count: int) -> list[Path]:
    return chance.sample(paths, min(count, len(paths)))


def _roots(cluster: Cluster) -> dict[str, Any]:
    return {"objects": cluster.objects, "declared": cluster.declared}


def _leaves(cluster: Cluster) -> dict[Path, Any]:
    found: dict[Path, Any] = {}

    def walk(node: Any, path: Path) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key not in _UNTOUCHED:
                    walk(value, (*path, key))
        elif isinstance(node, list):
            for at, value in enumerate(node):
                walk(value, (*path, at))
        else:
            found[path] = node

    walk(_roots(cluster), ())
    for at, series in enumerate(cluster.metrics):
        found["metrics", at] = series.metric
    return found


def _is_of(cluster: Cluster, path: Path, app: str) -> bool:
    if len(path) < 4 or path[0] != "objects":
        return False
    name = str(cluster.objects[str(path[1])][int(path[2])].get("metadata", {}).get("name", ""))
    return name.startswith(app) and path[3] != "metadata"


def _change(cluster: Cluster, path: Path, value: Any, chance: random.Random) -> str:
    """Changes the leaf and tells how; empty where nothing can be changed."""
    if path[0] == "metrics":
        factor = chance.choice((0.5, 0.9, 1.1, 2.0))
        old = cluster.metrics[int(path[1])]
        values = tuple(None if v is None else v * factor for v in old.values)
        cluster.metrics[int(path[1])] = old.model_copy(update={"values": values})
        return f"{old.metric} × {factor}"
    holder: Any = _roots(cluster)
    for step in path[:-1]:
        holder = holder[step]
    place = _place(cluster, path)
    if isinstance(holder, dict) and chance.random() < 0.3:
        del holder[path[-1]]
        return f"{place} left out"
    new = _other(value, chance)
    if new == value:
        return ""
    holder[path[-1]] = new
    return f"{place}: {value} → {new}"


def _place(cluster: Cluster, path: Path) -> str:
    item: Any = cluster.declared[int(path[1])] if path[0] == "declared" else None
    rest = path[2:]
    if item is None:
        item, rest = cluster.objects[str(path[1])][int(path[2])], path[3:]
    name = item.get("metadata", {}).get("name", "")
    return f"{path[1] if path[0] == 'objects' else 'declared'}/{name} {'.'.join(map(str, rest))}"


def _other(value: Any, chance: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((value + 1, max(0, value - 1), value * 2 + 1, value * 10, 0))
    if isinstance(value, str) and _NUMBER.fullmatch(value[:-1] or "x"):
        number = int(_NUMBER.findall(value)[0])
        return value.replace(str(number), str(chance.choice((number + 1, number * 3, 1))), 1)
    if isinstance(value, str):
        return chance.choice((value + "x", value[:-1], ""))
    return value
