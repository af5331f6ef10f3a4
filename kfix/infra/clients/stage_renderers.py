"""kustomize and helm as a stage has them. Apart from ``renderers``, so that a command line need not load a log."""

from __future__ import annotations

import structlog

from kfix.infra.clients.renderers import Programs, Rendering, installed
from kfix.infra.settings import load

log = structlog.get_logger(__name__)


def opened() -> Programs:
    """``installed`` as the environment says; the stage's log says what is missing."""
    programs = installed(load(Rendering))
    for name, why in zip(programs.missing, programs.lacking(), strict=True):
        log.warning("renderer.missing", program=name, why=why)
    return programs
