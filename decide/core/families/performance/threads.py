"""Plans for programs that run more threads than their CPU limit lets run at once. Pure.

A runtime that was told a number of threads does not look at the limit: the threads use up the period's share together and
then all wait for the next one. Sources: Go ``runtime`` (GOMAXPROCS), OpenMP (OMP_NUM_THREADS), OpenBLAS, MKL, NumExpr, Rayon,
Tokio, the ``java`` command (-XX:ActiveProcessorCount); Gunicorn's "2 × cores + 1" workers, Puma, uWSGI, Uvicorn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from decide.core.drafting.containers import env_path, stated
from decide.core.drafting.drafts import RESTART, PlanDraft, container_path, patch_workload
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import items
from manifests.objects.workloads import Workload

#: Variables that say how many threads compute at once: one a core.
_THREADS = frozenset(
    {
        "GOMAXPROCS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "TOKIO_WORKER_THREADS",
    }
)
#: Variables that say how many processes serve, which wait as well as compute: twice the cores and one.
_WORKERS = frozenset(
    {
        "WEB_CONCURRENCY",
        "GUNICORN_WORKERS",
        "PUMA_WORKERS",
        "UWSGI_WORKERS",
        "UWSGI_PROCESSES",
        "UVICORN_WORKERS",
    }
)
_PROCESSORS = re.compile(r"(?P<flag>-XX:ActiveProcessorCount=)(?P<n>\d{1,4})\b")
_FLAG = re.compile(r"(?P<flag>--(?:workers|processes)[= ])(?P<n>\d{1,4})\b")


def fewer_threads(
    view: ClusterView, workload: Workload, container: Container, detail: str
) -> Iterator[PlanDraft]:
    """As many threads as the limit lets run at once, where more are told. ``detail``: what was seen of the container."""
    limit = stated(container, "limits", "cpu")
    if limit is None:
        return
    wanted = [*_variables(container, limit), *_words(workload, container, limit)]
    if not wanted:
        return
    names = [name for name, _, _ in wanted]
    yield PlanDraft(
        fix_kind="set_env",
        title=say("performance.threads.title", container=container.name, names=names),
        why=say("performance.threads.why", detail=detail, names=names, limit=limit),
        changes=patch_workload(view, workload, [(path, value) for _, path, value in wanted]),
        weight=0.82,
        risks=[say("performance.threads.risk"), RESTART],
    )


def _variables(container: Container, limit: float) -> Iterator[tuple[str, str, str]]:
    """Name, path and new value of each variable that says too many."""
    for entry in container.env:
        name, value = str(entry.get("name")), str(entry.get("value") or "")
        most = _most(limit, workers=name in _WORKERS)
        if name in _THREADS | _WORKERS and value.isdecimal() and int(value) > most:
            yield name, env_path(container, name), str(most)
        elif (fitted := _fitted(_PROCESSORS, value, _most(limit, workers=False))) != value:
            yield name, env_path(container, name), fitted


def _words(
    workload: Workload, container: Container, limit: float
) -> Iterator[tuple[str, str, str]]:
    """The same of the command line."""
    for field in ("command", "args"):
        for n, word in enumerate(items(container.spec.get(field))):
            text = str(word)
            fitted = _fitted(_PROCESSORS, text, _most(limit, workers=False))
            fitted = _fitted(_FLAG, fitted, _most(limit, workers=True))
            if fitted != text:
                yield field, container_path(workload, container.name, f"{field}[{n}]"), fitted


def _most(limit: float, *, workers: bool) -> int:
    cores = max(1, math.ceil(limit))
    return 2 * cores + 1 if workers else cores


def _fitted(pattern: re.Pattern[str], text: str, most: int) -> str:
    return pattern.sub(
        lambda said: f"{said['flag']}{most}" if int(said["n"]) > most else said[0], text
    )
