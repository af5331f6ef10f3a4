"""Which environment a path or a name speaks of."""

from __future__ import annotations

import re

#: Words in paths that mean an environment.
WORDS: dict[str, frozenset[str]] = {
    "production": frozenset({"production", "prod", "prd", "live"}),
    "staging": frozenset({"staging", "stage", "stg", "preprod", "uat"}),
    "development": frozenset({"development", "dev", "devel", "sandbox"}),
}


def matches(path: str, environment: str) -> bool:
    """Does a path name the environment, by one of its usual words or by its own name as a whole segment?"""
    if environment in re.split(r"[/ ]", path):
        return True
    words = WORDS.get(environment, frozenset())
    return bool(words & set(re.split(r"[/._ -]", path.lower())))
