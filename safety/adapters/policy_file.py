"""The policy as the settings name it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import yaml

from safety.core.policy import Policy
from schemas import errors


def read_policy(file: str) -> Policy:
    """The policy in ``file``, the defaults when empty. Raises errors.Permanent (reason ``bad_policy``)."""
    if not file:
        return Policy()
    try:
        document = yaml.safe_load(Path(file).read_text("utf-8"))
        return Policy.model_validate({} if document is None else document)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as failure:
        raise errors.Permanent(
            f"the policy {file} cannot be read: {failure}", reason="bad_policy"
        ) from failure


def checked(policy: Policy, known: Collection[str]) -> Policy:
    """The policy, where the clusters that it names are ``known``. Raises errors.Permanent (reason ``bad_policy``)."""
    strange = sorted(set(policy.clusters) - set(known))
    if strange:
        raise errors.Permanent(
            f"the policy names a cluster that the settings do not: {strange[0]}",
            reason="bad_policy",
        )
    return policy


def protecting(policy: Policy, environments: tuple[str, ...]) -> Policy:
    """The policy with the protected environments of the settings beside its own."""
    both = (*policy.protected_environments, *environments)
    return policy.model_copy(update={"protected_environments": both})
