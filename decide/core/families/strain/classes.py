"""Programs that run into a limit of their own."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.strain.facts import Strained

FAMILY = Family(
    id="strain",
    shows_in=("pods", "events"),
    mistaken_for=("oom_killed", "cpu_throttling", "load_surge", "node_pressure"),
    look_at=("said", "usage", "history"),
)
_one = of(FAMILY, "kubernetes.io: Resource Management for Pods and Containers")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="heap_exhausted",
        en="The language runtime's heap is full although the container has memory left",
        fr="Le tas du runtime est plein alors que le conteneur a encore de la mémoire",
        symptoms="exit 1, 3 or 134, long pauses before it",
        evidence="java.lang.OutOfMemoryError: Java heap space; JavaScript heap out of memory",
        confounders="the container's own limit (OOMKilled); a leak",
        plans="a larger heap where the environment sets one; more memory; the last good revision",
        facts=Strained,
    ),
    _one(
        id="file_descriptors_exhausted",
        en="The program has no file descriptor left",
        fr="Le programme n'a plus de descripteur de fichier",
        symptoms="connections refused while the process runs",
        evidence="too many open files; EMFILE",
        yields_to=("node_inotify_limit", "node_open_files_limit"),
        confounders="the peer's limits",
        plans="",
        handoff="code_defect",
    ),
    _one(
        id="threads_exhausted",
        en="The program can start no thread or process: its pid limit is reached",
        fr="Le programme ne peut plus créer de thread : limite de PID atteinte",
        symptoms="crashes under load, memory is free",
        evidence="unable to create native thread; fork: Resource temporarily unavailable",
        yields_to=("node_pid_limit",),
        confounders="heap exhausted",
        plans="",
        handoff="code_defect",
    ),
    _one(
        id="connection_pool_exhausted",
        en="The program's own connection pool is empty",
        fr="Le pool de connexions de l'application est épuisé",
        symptoms="time-outs under load while the database is idle",
        evidence="HikariPool … request timed out; QueuePool limit of size …; Could not get a resource from the pool",
        confounders="the database's own connection limit; a slow query",
        plans="a larger pool where the environment sets its size",
        severity="medium",
        handoff="code_defect",
        of_a_callee=True,
        facts=Strained,
    ),
)
