"""Decisions of then and of now, side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from schemas.base import Record

#: Fields that differ from run to run, or from release to release, without a decision differing.
_VOLATILE = frozenset(
    {
        "event_id",
        "trace_id",
        "occurred_at",
        "schema_version",
        "elapsed_ms",
        "model_calls",
        "input_tokens",
        "output_tokens",
        "policy_version",
        "rules_version",
        "world",
    }
)
#: ``policy``: by what is decided differs (rules, playbooks, prompt, policy, K-Fix itself), in the world as it was.
Because = Literal["", "policy", "world", "policy and world"]
#: Characters of a value that is shown where what is decided by differs.
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Compared:
    """One record's results then and now. ``changed`` names the paths that differ; empty: the same decision."""

    stage: str
    cause: str
    incident: str
    topic: str
    then: dict[str, Any] | None
    now: dict[str, Any] | None
    changed: tuple[str, ...]
    #: Why it could not be decided now. ``now`` is what is decided without what is missing, as far as it goes.
    failed: str = ""
    #: Why it was not even tried: its world was not kept.
    skipped: str = ""
    #: Whose decision it is: the environment of now, else of then.
    environment: str = ""
    #: Why it changes; empty where nothing does, and where nobody can tell.
    because: Because = ""
    #: What was decided by then that is not so today, one ``name: then → now`` each.
    not_as_then: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @property
    def differs(self) -> bool:
        """Whether it changes, or cannot be decided any more."""
        return bool(self.changed or self.failed)

    @property
    def in_production(self) -> bool:
        """Whether it is one of production: everything is that is not known to be something else."""
        return self.environment not in ("staging", "development")


def decision(record: Record) -> dict[str, Any]:
    """What a record decides: its content without identities of the run, times and durations."""
    cleaned = _without_volatile(record.model_dump(mode="json", exclude={"world"}))
    assert isinstance(cleaned, dict)
    return cleaned


def _without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_volatile(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list):
        return [_without_volatile(item) for item in value]
    return value


def differences(then: Any, now: Any, path: str = "") -> list[str]:
    """Paths at which two JSON values differ, the shortest that say it."""
    if isinstance(then, dict) and isinstance(now, dict):
        found = []
        for key in sorted(then.keys() | now.keys()):
            found += differences(then.get(key), now.get(key), f"{path}.{key}" if path else key)
        return found
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{path}[{i}]")]
    return [] if then == now else [path or "."]


def told_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What two bases differ in, as ``name: then → now``."""
    return tuple(f"{path}: {_at(then, path)} → {_at(now, path)}" for path in differences(then, now))


def _at(value: Any, path: str) -> str:
    for name in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, list):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return "none" if value is None else str(value)[:_SHOWN]


def compared(
    *, stage: str, topic: str, cause: str, incident: str, old: Record | None, new: Record | None
) -> Compared:
    """Two records side by side; ``None`` where there was none, or is none."""
    then = decision(old) if old is not None else None
    now = decision(new) if new is not None else None
    changed = tuple(differences(then, now))
    environment = environment_of(now) or environment_of(then)
    return Compared(stage, cause, incident, topic, then, now, changed, environment=environment)


def environment_of(decided: Mapping[str, Any] | None) -> str:
    """The environment that a decision is about; empty for what says none."""
    context = (decided or {}).get("context")
    return str(context.get("environment", "")) if isinstance(context, Mapping) else ""


def told_apart(in_world_of_then: Sequence[Compared], today: Sequence[Compared]) -> list[Compared]:
    """Today's comparisons with why each changes: by the policy what would change in the world of then as well."""
    before = {_place(one, n): one for n, one in _numbered(in_world_of_then)}
    return [_told_apart(before.get(_place(one, n)), one) for n, one in _numbered(today)]


def _numbered(found: Sequence[Compared]) -> list[tuple[int, Compared]]:
    """Each with its number among those of one place."""
    seen: dict[tuple[str, str, str, int], int] = {}
    out = []
    for one in found:
        place = _place(one, 0)
        seen[place] = seen.get(place, -1) + 1
        out.append((seen[place], one))
    return out


def _place(one: Compared, number: int) -> tuple[str, str, str, int]:
    return one.stage, one.topic, one.cause, number


def _told_apart(policy: Compared | None, today: Compared) -> Compared:
    if policy is None or policy.failed or policy.skipped or today.failed:
        return today
    by_policy = bool(policy.changed)
    by_world = bool(differences(policy.now, today.now))
    return replace(
        today,
        because=because(by_policy=by_policy, by_world=by_world) if today.changed else "",
        not_as_then=policy.not_as_then,
    )


def because(*, by_policy: bool, by_world: bool) -> Because:
    """Both answers in a word."""
    if by_policy and by_world:
        return "policy and world"
    return "policy" if by_policy else "world" if by_world else ""
