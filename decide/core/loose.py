"""Facts of families whose rules still hand over a mapping. When the last one has types of its own, this file goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from decide.core.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose(Facts):
    """A mapping behind the face of facts."""

    told: Mapping[str, Any]

    @property
    def concerns(self) -> tuple[str, ...]:
        """Names of workloads that the mapping holds: its own, callers, victims, peers."""
        found = [self.told.get(key) for key in ("workload", "caller", "victim", "peer")]
        return tuple(str(getattr(one, "name", "")) for one in found if one is not None)

    @property
    def aims(self) -> tuple[str, ...]:
        """The names below ``name``, ``near`` and ``right``; empty where one is missing."""
        return tuple(str(self.told.get(key) or "") for key in ("name", "near", "right"))

    def __contains__(self, key: str) -> bool:
        return key in self.told

    def __getitem__(self, key: str) -> Any:
        return self.told[key]

    def get(self, key: str, default: Any = None) -> Any:
        """As a mapping's."""
        return self.told.get(key, default)


def facts_of(given: Facts | Mapping[str, Any]) -> Facts:
    """Facts as they are, or a mapping as facts."""
    return given if isinstance(given, Facts) else Loose(workload=given.get("workload"), told=given)
