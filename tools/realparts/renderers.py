"""kustomize and helm for tests, built once from their Go modules (``tools/realparts/render/build``)."""

from __future__ import annotations

import functools
from pathlib import Path

from kfix.infra.clients.renderers import Programs
from tools.realparts.programs import built

BUILD = Path(__file__).parent / "render" / "build"


@functools.cache
def programs() -> Programs:
    """The renderer that tests use. Raises Unbuildable."""
    folder = built("kustomize and helm", BUILD)
    return Programs(str(folder / "kustomize"), str(folder / "helm"), timeout_s=60.0, plan_s=600.0)
