"""kustomize and helm on the machine of whoever runs the command line."""

from __future__ import annotations

import os
from pathlib import Path

from kfix.infra.clients.renderers import Programs, Rendering, installed
from kfix.infra.settings import load


def here() -> Programs:
    """As the stages find them; else those that ``tools/realparts/render/build`` made, the newest first."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = (home / "kfix" / "render").glob("*/bin")
    return installed(load(Rendering), sorted(built, key=_age, reverse=True))


def _age(folder: Path) -> float:
    return folder.stat().st_mtime
