"""Tags that look most like one that is not there. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_VERSION = re.compile(
    r"(?P<mark>v?)(?P<major>\d+)(?:\.(?P<minor>\d+))?(?:\.(?P<patch>\d+))?(?P<rest>.*)", re.I
)
#: Tags under which registries keep signatures and lists of parts beside images (cosign, OCI referrers).
_NO_IMAGE = re.compile(r"sha(?:256|512)-[0-9a-f]+(?:\..+)?")
#: A tag that is no version must be at least so much alike.
_ALIKE = 0.7
Key = tuple[float, ...]


def nearest(wanted: str, tags: Iterable[str], most: int = 3) -> list[str]:
    """The tags nearest to ``wanted``, likeliest first; for a version only ones of the same major and the same variant."""
    ranked = sorted(
        (key, tag)
        for tag in dict.fromkeys(tags)
        if tag != wanted and not _NO_IMAGE.fullmatch(tag) and (key := _distance(wanted, tag))
    )
    return [tag for _, tag in ranked[:most]]


def _distance(wanted: str, tag: str) -> Key | None:
    """How far a tag is away; ``None``: too far."""
    alike = difflib.SequenceMatcher(None, wanted, tag).ratio()
    one, two = _VERSION.fullmatch(wanted), _VERSION.fullmatch(tag)
    if one is None or two is None:
        return (0.0, 1 - alike) if alike >= _ALIKE else None
    if one["major"] != two["major"] or _variant(one["rest"]) != _variant(two["rest"]):
        return None
    minor, patch = _apart(one["minor"], two["minor"]), _apart(one["patch"], two["patch"])
    return (minor, patch, 1 - alike)


def _apart(one: str | None, two: str | None) -> float:
    """The distance of two numbers; of one that is not stated, half a step more than none."""
    return abs(int(one) - int(two)) if one and two else 0.0 if one == two else 0.5


def _variant(rest: str) -> str:
    """What stands behind a version, without its own numbers: ``-alpine3.20`` and ``-alpine`` are one variant."""
    return re.sub(r"[\d.]+", "", rest).strip("-._+").lower()
