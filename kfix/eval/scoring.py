"""Right or wrong, per case and in sum. Pure.

An answer names a class and an object. Classes are compared as labels (``mapping.json``); objects as what an engineer
would open: workloads, Services, Pods and ReplicaSets count as the app of their name, quotas as their namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_POD = re.compile(r"(?:-[a-f0-9]{6,10})?-[a-z0-9]{5}$|-\d+$")
_REPLICA_SET = re.compile(r"-[a-f0-9]{6,10}$")
_APP = {
    "app", "deployment", "statefulset", "daemonset", "service", "endpoints", "replicaset", "pod", "container", "job",
    "cronjob",
}  # fmt: skip
_NAMESPACE = {"namespace", "resourcequota", "limitrange"}
#: Upper bounds of the reliability table's bins.
BINS = (0.4, 0.6, 0.75, 0.85, 0.92, 1.0)


@dataclass(frozen=True, slots=True)
class Truth:
    """The right answer of one case. ``status`` is empty where the answers do not say it."""

    case: str
    family: str
    label: str
    object: str
    status: str = ""


@dataclass(slots=True)
class Judged:
    """One case: ranks (0 is first) at which object, class and both were right; ``None``: not among the three."""

    truth: Truth
    ranks: dict[str, int | None] = field(default_factory=dict)
    predicted: list[tuple[str, str]] = field(default_factory=list)
    confidence: float = 0.0
    status: str = "missing"
    milliseconds: float = 0.0

    def at(self, what: str, depth: int) -> bool:
        """Right within the first ``depth`` answers."""
        rank = self.ranks.get(what)
        return rank is not None and rank < depth


def labels_of(mapping: Mapping[str, Sequence[str]], failure_class: str) -> set[str]:
    """Labels that a class counts as; a class without entry counts as itself."""
    return set(mapping.get(failure_class.lower(), (failure_class.lower(),)))


def object_of(text: str) -> str:
    """``Kind/namespace/name`` as app, node or namespace."""
    parts = [part for part in text.split("/") if part]
    if not parts:
        return ""
    kind, name = parts[0].lower(), parts[-1]
    if kind in _NAMESPACE:
        return f"namespace/{parts[1] if kind != 'namespace' and len(parts) > 2 else name}".lower()
    if kind == "pod":
        name = _POD.sub("", name)
    elif kind == "replicaset":
        name = _REPLICA_SET.sub("", name)
    return f"{'app' if kind in _APP else kind}/{name}".lower()


def judge(
    truth: Truth, result: Mapping[str, Any] | None, mapping: Mapping[str, Sequence[str]]
) -> Judged:
    """One case's verdict. A class that counts as several labels is wrong: it says nothing."""
    out = Judged(truth)
    if result is None:
        return out
    out.status = str(result.get("status") or "")
    out.milliseconds = float(result.get("milliseconds") or 0.0)
    analysis = result.get("ai_analysis") or {}
    out.confidence = float(analysis.get("confidence") or 0.0)
    ranked = [(str(h.get("failure_class") or ""), str(h.get("object") or "")) for h in [analysis, *(result.get("hypotheses") or [])]]  # fmt: skip
    out.predicted = [pair for pair in dict.fromkeys(ranked) if any(pair)][:3]
    for rank, (failure_class, where) in enumerate(out.predicted):
        labels = labels_of(mapping, failure_class)
        same_class = labels == {truth.label}
        same_object = object_of(where) == truth.object.lower()
        for what, right in (("class", same_class), ("object", same_object), ("both", same_class and same_object)):  # fmt: skip
            if right and out.ranks.get(what) is None:
                out.ranks[what] = rank
    return out


@dataclass(frozen=True, slots=True)
class Row:
    """Sums over a group of cases."""

    name: str
    cases: int
    rates: Mapping[str, float]


def rows(judged: Iterable[Judged]) -> list[Row]:
    """A row per family and one over all."""
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(one.truth.family, []).append(one)
        groups.setdefault("overall", []).append(one)
    names = sorted(groups, key=lambda name: (name == "overall", name))
    return [Row(name, len(groups[name]), _rates(groups[name])) for name in names]


def _rates(group: Sequence[Judged]) -> dict[str, float]:
    return {
        f"{what}@{depth}": sum(one.at(what, depth) for one in group) / len(group)
        for depth in (1, 3)
        for what in ("object", "class", "both")
    }


def reliability(judged: Iterable[Judged]) -> list[tuple[str, int, float, float]]:
    """Bin, number of cases, mean confidence, share that was right at first place."""
    bins: dict[float, list[Judged]] = {}
    for one in judged:
        if one.status != "missing":
            top = next(b for b in BINS if one.confidence <= b)
            bins.setdefault(top, []).append(one)
    out = []
    for top in sorted(bins):
        group = bins[top]
        mean = sum(one.confidence for one in group) / len(group)
        right = sum(one.at("both", 1) for one in group) / len(group)
        out.append((f"≤ {top:g}", len(group), mean, right))
    return out


def false_fixes(judged: Iterable[Judged]) -> list[str]:
    """Cases where nothing should be changed and a change was proposed."""
    return [
        one.truth.case
        for one in judged
        if one.truth.status == "no_action" and one.status == "solution_proposed"
    ]


def changed(before: Iterable[Judged], after: Iterable[Judged]) -> list[tuple[str, bool, bool]]:
    """Cases whose first answer became right or wrong, with before and after."""
    old = {one.truth.case: one.at("both", 1) for one in before}
    return [
        (one.truth.case, old[one.truth.case], one.at("both", 1))
        for one in after
        if one.truth.case in old and old[one.truth.case] != one.at("both", 1)
    ]
