"""Plans for mounts of a key that is not there: the key that was meant."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.drafting.drafts import RESTART, PlanDraft, container_path, patch_workload
from decide.core.families.startup.facts import UnmountedKey
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say

#: How much alike two keys must be.
_ALIKE = 0.75


def another_key(facts: UnmountedKey, view: ClusterView) -> Iterator[PlanDraft]:
    """The key that the mounted file is named after, one of nearly the name, or the only one; at most two."""
    path = container_path(facts.workload, facts.container, f"volumeMounts[{facts.index}].subPath")
    for key, weight in list(_meant(facts).items())[:2]:
        yield PlanDraft(
            fix_kind="set_reference",
            title=say("startup.key.mount_title", near=key, name=facts.name),
            why=say("startup.key.why", name=facts.name, key=facts.key, near=key),
            changes=patch_workload(view, facts.workload, [(path, key)]),
            weight=weight,
            risks=[say("startup.reference.risk"), RESTART],
        )


def _meant(facts: UnmountedKey) -> dict[str, float]:
    """Keys with the weight of what speaks for each, the strongest first."""
    file = facts.path.rstrip("/").rpartition("/")[2]
    near = max(facts.keys, key=lambda key: alike(key.lower(), facts.key.lower()))
    found = {file: 0.9} if file in facts.keys else {}
    if alike(near.lower(), facts.key.lower()) >= _ALIKE:
        found.setdefault(near, 0.85)
    if len(facts.keys) == 1:
        found.setdefault(near, 0.76)
    return found
