"""A repository for a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from tools.repositories import charted, filled, kustomized, wider
from tools.repositories.model import Made

_ENVIRONMENTS = (
    ("dev", "staging", "prod"),
    ("development", "test", "production"),
    ("dev", "qa", "live"),
)
Maker = Callable[[random.Random, list[str]], Made]
#: New ones come last, so that what a seed made by the first ones can be made again.
MAKERS: tuple[Maker, ...] = (
    kustomized.overlaid,
    kustomized.overlaid,
    kustomized.overlaid,
    kustomized.shared,
    kustomized.foldered,
    kustomized.generated,
    charted.charted,
    charted.charted,
    charted.charted,
    charted.umbrella,
    charted.released,
    charted.released,
    wider.inflated,
    wider.lent,
    wider.patched_applications,
    wider.referring,
    wider.stacked,
    wider.substituted,
    wider.two_releases,
    wider.two_releases,
    filled.own_values,
    filled.piped,
)


def made(seed: int, makers: tuple[Maker, ...] = MAKERS) -> Made:
    """The repository of a seed, always the same for the same makers."""
    dice = random.Random(seed)
    names = dice.choice(_ENVIRONMENTS)
    envs = dice.sample(names, dice.randint(2, 3))
    return dice.choice(makers)(dice, envs)
