"""Right or wrong, per case and in sum. Pure.

An answer names a class and an object. Classes are compared as labels (``mapping.json``); objects as what an engineer
would open: workloads, Services, Pods and ReplicaSets count as the app of their name, quotas as their namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from decide.core.taxonomy import CLASSES
from schemas.base import Json

_POD = re.compile(r"(?:-[a-f0-9]{6,10})?-[a-z0-9]{5}$|-\d+$")
_REPLICA_SET = re.compile(r"-[a-f0-9]{6,10}$")
_APP = {
    "app",
    "deployment",
    "statefulset",
    "daemonset",
    "service",
    "endpoints",
    "replicaset",
    "pod",
    "container",
    "job",
    "cronjob",
}
_NAMESPACE = {"namespace", "resourcequota", "limitrange"}
#: Upper bounds of the reliability table's bins.
BINS = (0.4, 0.6, 0.75, 0.85, 0.92, 1.0)


#: ``none``: no change was proposed. ``unknown``: the diagnosis is right, what would repair it is not on record.
Fix = Literal["none", "right", "wrong", "unknown"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change that repairs a case: the object as in answers, the field, the value where only one will do."""

    object: str
    path: str
    value: Json = None


@dataclass(frozen=True, slots=True)
class Truth:
    """The right answer of one case. ``status`` and ``fix`` are empty where the answers do not say them."""

    case: str
    family: str
    label: str
    object: str
    status: str = ""
    fix: tuple[Wanted, ...] = ()
    #: A change that was tried on a real control plane (``change_of``), and whether it repaired the case.
    tried: str = ""
    repaired: bool | None = None


@dataclass(slots=True)
class Judged:
    """One case: ranks (0 is first) at which object, class and both were right; ``None``: not among the three."""

    truth: Truth
    ranks: dict[str, int | None] = field(default_factory=dict)
    predicted: list[tuple[str, str]] = field(default_factory=list)
    confidence: float = 0.0
    status: str = "missing"
    reason: str = ""
    milliseconds: float = 0.0
    fix: Fix = "none"

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
    out.status, out.reason = str(result.get("status") or ""), str(result.get("reason") or "")
    out.milliseconds = float(result.get("milliseconds") or 0.0)
    analysis = result.get("ai_analysis") or {}
    out.confidence = float(analysis.get("confidence") or 0.0)
    ranked = [
        (str(h.get("failure_class") or ""), str(h.get("object") or ""))
        for h in [analysis, *(result.get("hypotheses") or [])]
    ]
    out.predicted = [pair for pair in dict.fromkeys(ranked) if any(pair)][:3]
    wanted = labels_of(mapping, truth.label)
    for rank, (failure_class, where) in enumerate(out.predicted):
        labels = labels_of(mapping, failure_class)
        same_class = labels == wanted
        same_object = object_of(where) == truth.object.lower()
        for what, right in (
            ("class", same_class),
            ("object", same_object),
            ("both", same_class and same_object),
        ):
            if right and out.ranks.get(what) is None:
                out.ranks[what] = rank
    out.fix = _fix(out, result)
    return out


def judge_all(
    truths: Iterable[Truth],
    results: Mapping[str, dict[str, Any]],
    mapping: Mapping[str, Sequence[str]],
) -> list[Judged]:
    """The verdicts on every case that has both an answer and a result."""
    return [judge(t, results[t.case], mapping) for t in truths if t.case in results]


def _fix(one: Judged, result: Mapping[str, Any]) -> Fix:
    """A change is wrong on a wrong diagnosis, where none was due, and where it changes something else than it should."""
    if one.status != "solution_proposed":
        return "none"
    if not one.at("both", 1) or one.truth.status in ("no_action", "needs_human"):
        return "wrong"
    action = result.get("recommended_action") or {}
    if one.truth.repaired is not None and one.truth.tried == change_of(action):
        return "right" if one.truth.repaired else "wrong"
    if not one.truth.fix:
        return "unknown"
    made = [
        (object_of(f"{c['kind']}/{c['namespace']}/{c['name']}"), path, value)
        for c in action.get("kubernetes_changes") or ()
        for path, value in c["changes"].items()
    ]
    fits = [any(_fits(change, wanted) for wanted in one.truth.fix) for change in made]
    return "right" if made and all(fits) else "wrong"


def change_of(action: Mapping[str, Any]) -> str:
    """A plan's changes as one text, as ``repairs/`` keeps them."""
    changes = action.get("kubernetes_changes") or ()
    return "; ".join(f"{c['kind']}/{c['name']} {c['changes']}" for c in changes)


def _fits(change: tuple[str, str, Json], wanted: Wanted) -> bool:
    where, path, value = change
    same = where == object_of(wanted.object) and path == wanted.path
    return same and wanted.value in (None, value)


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


def error(judged: Iterable[Judged]) -> float:
    """Expected calibration error: how far, on average over the cases, confidence is from what was right in its bin."""
    table = reliability(judged)
    total = sum(cases for _, cases, _, _ in table)
    return (
        sum(cases * abs(mean - right) for _, cases, mean, right in table) / total if total else 0.0
    )


def false_fixes(judged: Iterable[Judged]) -> list[str]:
    """Cases where a change was proposed that does not repair, that none asked for, or that mends something healthy."""
    return [one.truth.case for one in judged if one.fix == "wrong"]


def false_all_clears(judged: Iterable[Judged]) -> list[str]:
    """Cases where it was said that there is nothing to change while something was wrong, or nobody could know."""
    return [one.truth.case for one in judged if one.status == "no_action" and not _well(one.truth)]


def _well(truth: Truth) -> bool:
    """Nothing was wrong: the answers say so, or their label does."""
    entry = CLASSES.get(truth.label.lower())
    calm = entry is not None and entry.nature == "calm"
    return truth.status == "no_action" if truth.status else calm


def counts(judged: Sequence[Judged]) -> dict[str, Json]:
    """What is counted from run to run: right at the first place, repaired, and the two ways to do harm."""
    right, wrong = (sum(one.fix == how for one in judged) for how in ("right", "wrong"))
    return {
        "cases": len(judged),
        "right_at_1": sum(one.at("both", 1) for one in judged),
        "proposed": sum(one.status == "solution_proposed" for one in judged),
        "repaired": right,
        "repaired_or_not": right + wrong,
        "false_fixes": list(false_fixes(judged)),
        "false_all_clears": list(false_all_clears(judged)),
        "calibration_error": round(error(judged), 4),
    }


def moved(before: Iterable[Judged], after: Iterable[Judged]) -> list[tuple[Judged, Judged]]:
    """Cases whose first answer, or whose status, is another."""
    old = {one.truth.case: one for one in before}
    return [
        (old[one.truth.case], one)
        for one in after
        if one.truth.case in old and _said(old[one.truth.case]) != _said(one)
    ]


def _said(one: Judged) -> tuple[object, ...]:
    first = one.predicted[0] if one.predicted else ("", "")
    return (first[0], object_of(first[1]), one.status, one.reason)


def changed(before: Iterable[Judged], after: Iterable[Judged]) -> list[tuple[str, bool, bool]]:
    """Cases whose first answer became right or wrong, with before and after."""
    old = {one.truth.case: one.at("both", 1) for one in before}
    return [
        (one.truth.case, old[one.truth.case], one.at("both", 1))
        for one in after
        if one.truth.case in old and old[one.truth.case] != one.at("both", 1)
    ]
