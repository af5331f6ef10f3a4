"""kustomize and helm for tests, built once from their Go modules (``tools/realparts/render/build``)."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from kfix.infra.clients.renderers import Programs

BUILD = Path(__file__).parent / "render" / "build"


class Unbuildable(Exception):
    """The programs cannot be had on this machine; the text is one line and says why."""


@functools.cache
def programs() -> Programs:
    """The renderer that tests use. Raises Unbuildable."""
    if shutil.which("go") is None:
        raise Unbuildable("no Go on this machine to build kustomize and helm with")
    done = subprocess.run([BUILD], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unbuildable(f"kustomize and helm cannot be built: {last}")
    folder = Path(done.stdout.strip())
    return Programs(str(folder / "kustomize"), str(folder / "helm"), timeout_s=60.0, plan_s=600.0)
