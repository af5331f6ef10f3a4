"""What a bundle of plain files applies for a target: overlays put files in place of the bundle's own. Pure.

Source: Fleet's ``fleet.yaml`` reference (``yaml.overlays``): of several overlays later ones win, nothing below ``overlays``
is applied as it stands, and a file called ``…_patch.…`` changes another one.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from manifests.repository.index import RepositoryIndex

_ALL = "overlays"
_APPLIED = (".yaml", ".yml", ".json")
_OWN = ("fleet.yaml", "fleet.yml")


def applied(index: RepositoryIndex, folder: str, overlays: Sequence[str]) -> list[str] | None:
    """The files that are applied as they are; ``None`` where an overlay patches some, or is not here."""
    kept = posixpath.join(folder, _ALL)
    by_name = {
        name: path
        for path, name in _below(index, folder)
        if not path.startswith(f"{kept}/") and name not in _OWN
    }
    for overlay in overlays:
        listed = list(_below(index, posixpath.join(kept, overlay)))
        if not listed or any("_patch." in posixpath.basename(name) for _, name in listed):
            return None
        by_name |= {name: path for path, name in listed}
    return sorted(path for path in by_name.values() if path.endswith(_APPLIED))


def has_any(index: RepositoryIndex, folder: str) -> bool:
    """Are there overlays in the bundle?"""
    return bool(index.below(posixpath.join(folder, _ALL)))


def _below(index: RepositoryIndex, folder: str) -> list[tuple[str, str]]:
    start = f"{folder}/" if folder else ""
    return [(path, path.removeprefix(start)) for path in index.below(folder)]
