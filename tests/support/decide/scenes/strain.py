"""Programs that run out of something of their own: who says it, how often, and whether that container suffers."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside

_FAMILY = "strain"
_HEAP = "java.lang.OutOfMemoryError: Java heap space"
_THREADS = "java.lang.OutOfMemoryError: unable to create native thread"
_FILES = "accept tcp [::]:80: accept4: too many open files"
_POOL = "HikariPool-1 - Connection is not available, request timed out after 30000ms."
_LINES = {"its heap": _HEAP, "threads": _THREADS, "files": _FILES, "connections": _POOL}


def _says(
    told: str, *lines: str, container: str = "main", varied: bool = False, **status: Any
) -> None:
    @scene(_FAMILY, told, varied=varied)
    def _(c: Cluster, app: str) -> None:
        if status:
            c.status(app, **status)
        c.log(app, *lines)
        c.logs[-1] = c.logs[-1].model_copy(update={"container": container})


for _told, _line in _LINES.items():
    _says(f"it runs out of {_told}, and is well", _line)
    _says(
        f"it runs out of {_told}, and is not ready",
        _line,
        state={"running": {}},
        varied=_told == "its heap",
    )
    for _code in (1, 136, 137, 138):
        _says(
            f"it runs out of {_told}, and ended with {_code}",
            _line,
            lastState={"terminated": {"exitCode": _code}},
        )
_says(
    "it runs out of everything",
    *_LINES.values(),
    *_LINES.values(),
    state={"running": {}},
    varied=True,
)
_says(
    "it says three times that it ran out",
    f"{_FILES} 1",
    f"{_FILES} 2",
    f"{_FILES} 3",
    state={"running": {}},
)
_says("it runs out of threads, and of its heap on its own", _HEAP, _THREADS, _HEAP + " again")
_says("its heap is out, and a native thread is named by the way", f"{_HEAP} in native thread 7")
_says("nobody knows which container says it", _HEAP, container="", state={"running": {}})
_says("nobody knows which container says it, and all are well", _HEAP, container="")
_says("a container says it that does not suffer", _POOL, container="proxy", state={"running": {}})


@scene(_FAMILY, "the second container says it, the first was killed")
def _(c: Cluster, app: str) -> None:
    beside(c, app, ready=False)
    c.crashed(app, 137)
    c.log(app, _HEAP)
    c.logs[-1] = c.logs[-1].model_copy(update={"container": "proxy"})


@scene(_FAMILY, "nobody knows which of two containers says it, the second was killed")
def _(c: Cluster, app: str) -> None:
    beside(c, app, "second", ready=False, lastState={"terminated": {"exitCode": 137}})
    c.crashed(app, 1)
    for line in (_HEAP, _FILES):
        c.log(app, line)
        c.logs[-1] = c.logs[-1].model_copy(update={"container": ""})
