"""Which checks stand in the way when plans were found and none may be opened, and what people can do about them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kfix import texts
from publish.core import inert
from publish.core.wording import Language, check_name, word
from schemas.plans import ActionPlan
from schemas.validated import CheckName, CheckResult, ValidatedPlans

#: Checks that are named to people: more are on the incident's page.
_NAMED = 2
#: Characters of a reason in a chat.
_LONGEST = 300
#: What decides before the rest: who may act at all, whether the cluster and the repository can be asked, then bounds.
_FIRST: tuple[CheckName, ...] = (
    "server_dry_run",
    "environment_policy",
    "fix_policy",
    "manifest_edit",
    "render",
    "resource_quota",
    "limit_range",
)
#: These look at the edited document: without one they are unknown, and the edit's own verdict says why.
_OF_THE_EDIT: tuple[CheckName, ...] = ("render", "schema", "server_dry_run")
_NO_EDIT = "there is no edited document"
#: Where these fail people make the change themselves; fields of an object that a message shows them.
_BY_HAND: frozenset[CheckName] = frozenset({"manifest_edit", "render"})
_FIELDS = 4
#: Keys of ``core.wording``: what to do where a check failed, and where it could not be made.
_AFTER_FAIL: dict[CheckName, str] = {
    "environment_policy": "next_policy",
    "fix_policy": "next_policy",
    "manifest_edit": "next_by_hand",
    "render": "next_by_hand",
    "resource_quota": "next_quota",
    "limit_range": "next_quota",
    "disruption_budget": "next_quota",
}
_AFTER_UNKNOWN: dict[CheckName, str] = {
    "server_dry_run": "next_cluster",
    "resource_quota": "next_cluster",
    "limit_range": "next_cluster",
    "disruption_budget": "next_cluster",
    "manifest_edit": "next_repository",
}


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Why none of ``plans`` plans may be opened: the decisive checks, at most two, and how many others stopped a plan."""

    plans: int
    decisive: tuple[CheckResult, ...]
    others: int
    #: What the first plan changes, where its file could not be edited: outside text, empty otherwise.
    change: str = ""


def obstacles_of(record: ValidatedPlans) -> Obstacles | None:
    """What stood in the way of every plan of the record; ``None`` when a plan was accepted or there was none."""
    if not record.plans or any(p.accepted and not p.plan.guess for p in record.plans):
        return None
    stopped: dict[CheckName, list[CheckResult]] = {}
    for validated in record.plans:
        against = [c for c in validated.checks if c.name in validated.rejected_by]
        edit_stopped = "manifest_edit" in validated.rejected_by
        for check in against:
            if not (edit_stopped and _follows(check)):
                stopped.setdefault(check.name, []).append(check)
    ranked = sorted(stopped, key=lambda name: (-len(stopped[name]), _rank(stopped[name][0])))
    everywhere = [name for name in ranked if len(stopped[name]) == len(record.plans)]
    named = (everywhere or ranked)[:_NAMED]
    if not named:
        return None
    decisive = tuple(stopped[name][0] for name in named)
    change = "" if _BY_HAND.isdisjoint(named) else _change(record.plans[0].plan)
    return Obstacles(len(record.plans), decisive, len(stopped) - len(named), change)


def _change(plan: ActionPlan) -> str:
    """Objects with what becomes of their fields, in one line."""
    said = []
    for change in plan.kubernetes_changes:
        fields = [f"{f.path}: {_value(f.before)} → {_value(f.after)}" for f in change.fields]
        more = [f"+{len(fields) - _FIELDS}"] if len(fields) > _FIELDS else []
        said.append(f"{change.object.key} {', '.join(fields[:_FIELDS] + more) or change.action}")
    return "; ".join(said)


def _value(value: object) -> str:
    if value is None:
        return "∅"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _follows(check: CheckResult) -> bool:
    return check.name in _OF_THE_EDIT and check.verdict == "unknown" and check.reason == _NO_EDIT


def _rank(check: CheckResult) -> tuple[bool, bool, int]:
    """The lock comes first, as nothing is dry-run without it; what failed comes before what nobody could tell."""
    at = _FIRST.index(check.name) if check.name in _FIRST else len(_FIRST)
    return not check.numbers.get("lock"), check.verdict != "fail", at


def paragraphs(found: Obstacles, language: Language) -> tuple[tuple[str, str], ...]:
    """What people are told: names and texts. Reasons are outside text, short and not yet inert."""
    why = word("none_opens_one", language)
    if found.plans != 1:
        why = word("none_opens", language, plans=found.plans)
    told = [(f"(i) {word('why', language)}", why)]
    told += [(f"⛔ {check_name(c.name, language)}", _said(c, language)) for c in found.decisive]
    if found.change:
        told.append((f"✏️ {word('change_by_hand', language)}", inert.clean(found.change, _LONGEST)))
    steps = dict.fromkeys(word(_next(check), language) for check in found.decisive)
    after = " ".join(steps)
    if found.others:
        after += f" {word('other_checks', language, others=found.others)}"
    if any(len(check.reason) > _LONGEST for check in found.decisive):
        after += f" {word('shortened', language)}"
    return (*told, (f"➡️ {word('next', language)}", after))


def _said(check: CheckResult, language: Language) -> str:
    reason = inert.clean(texts.told(check.reason, check.reason_text, language), _LONGEST)
    if check.verdict == "fail" or check.numbers.get("lock"):
        return reason
    return word("not_checked_because", language, reason=reason)


def _next(check: CheckResult) -> str:
    """The key of what to do about it."""
    lock = check.numbers.get("lock")
    if lock:
        return "next_lock_unlocked" if lock == "unlocked" else "next_lock_unknown"
    if check.verdict == "unknown":
        return _AFTER_UNKNOWN.get(check.name, "next_unknown")
    return _AFTER_FAIL.get(check.name, "next_person")
