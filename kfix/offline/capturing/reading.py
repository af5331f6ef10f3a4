"""Reads of a cluster what the rules use: enrich's lists, then the logs of containers, each within a bound; GETs alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from enrich.adapters.kubernetes import WantedList, WantedLog, containers_in_trouble, wishes_for
from enrich.core.bounds import THINNED
from enrich.core.names import named
from enrich.core.next_door import called_namespaces
from enrich.core.subject import resolve
from enrich.core.unread import Unread, Why
from enrich.service.gathering import pods_of
from manifests.objects.meta import name_of, namespace_of
from schemas import errors
from schemas.alerts import Alert
from schemas.base import Json
from schemas.context import LogExcerpt
from schemas.text import cut, sentence_of

T = TypeVar("T")
Objects = list[dict[str, Any]]
Answer = Objects | errors.KFixError
#: Characters of one reason; the server's sentence names the right that lacks at its beginning.
_REASON = 300


@dataclass(frozen=True, slots=True)
class CaptureBounds:
    """How much is read at most, and how long it may take."""

    #: Objects of one list: the pods of the largest clusters that Kubernetes is tested with fit 30 times less often.
    objects: int = 5_000
    #: Containers' logs, those of previous runs counted apart.
    logs: int = 60
    #: Lines of each log.
    log_lines: int = 200
    #: Seconds for all lists together, and as many again for all logs.
    within_s: float = 120.0
    #: Requests under way at once.
    at_once: int = 8


@dataclass(slots=True)
class ReadCluster:
    """What came. ``lists`` by namespace (empty: the cluster's) and plural; a list without objects is there, and empty."""

    lists: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    logs: list[LogExcerpt] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    #: Kinds of add-ons that the cluster has not.
    not_served: list[str] = field(default_factory=list)

    @property
    def objects(self) -> dict[str, list[Json]]:
        """All objects by plural, as in ``KubernetesContext``."""
        found: dict[str, list[Json]] = {}
        for (_, plural), items in self.lists.items():
            found.setdefault(plural, []).extend(items)
        return found


class ReadableCluster(Protocol):
    """What is asked of the cluster's client; both raise from ``schemas.errors``."""

    async def list(
        self, plural: str, namespace: str = "", *, labels: str = "", limit: int = 0
    ) -> Objects:
        """Objects of a kind, as ``Kubernetes.list``."""
        ...

    async def pod_log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        previous: bool = False,
        tail_lines: int = 200,
    ) -> str:
        """The end of a log, as ``Kubernetes.pod_log``."""
        ...


class Progress(Protocol):
    """Told what is under way."""

    def begin(self, what: str, steps: int) -> None:
        """So many steps of something begin."""
        ...

    def step(self) -> None:
        """One of them is done, well or not."""
        ...


class NothingRead(errors.Rejected):
    """Nothing that the rules use came: raised with the first reason."""


async def read_cluster(
    client: ReadableCluster,
    namespaces: Sequence[str],
    bounds: CaptureBounds,
    alert: Alert | None,
    progress: Progress,
) -> ReadCluster:
    """Reads these namespaces, or all, and what of the cluster bears on them. ``alert``: its subject's logs come first.

    Raises NothingRead; whatever else fails is noted in ``unread``.
    """
    turns = _Turns(bounds, progress)
    wanted = wishes_for(namespaces)
    asked = [partial(_list, client, wish, bounds) for wish in wanted]
    answers = await turns.all("lists", asked)
    read = _settled(list(zip(wanted, answers, strict=True)), bounds)
    _check_namespaces(read, namespaces)
    await _read_next_door(read, client, namespaces, bounds, turns)
    logs = _wanted_logs(read, namespaces, alert)
    if len(logs) > bounds.logs:
        beyond = f"{len(logs) - bounds.logs} logs beyond the first {bounds.logs} were not read"
        read.unread.append(Unread("kubernetes.logs", beyond))
    logs = logs[: bounds.logs]
    texts = await turns.all("logs", [partial(_log, client, log, bounds) for log in logs])
    _take_logs(read, list(zip(logs, texts, strict=True)))
    return read


async def _read_next_door(
    read: ReadCluster,
    client: ReadableCluster,
    namespaces: Sequence[str],
    bounds: CaptureBounds,
    turns: _Turns,
) -> None:
    """Adds the lists of the namespaces that these call. Of a kind that did not come here, none there is taken."""
    here, objects = {plural for _, plural in read.lists}, read.objects
    called = (space for name in namespaces for space in called_namespaces(objects, name))
    spaces = [space for space in dict.fromkeys(called) if space not in namespaces]
    wanted = [w for w in wishes_for(spaces) if w.namespace and not w.only_beside] if spaces else []
    wanted = [w for w in wanted if w.plural in here]
    answers = await turns.all("lists", [partial(_list, client, w, bounds) for w in wanted])
    for wish, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, errors.KFixError):
            _note_failure(read, wish, answer)
        elif len(answer) > bounds.objects:
            reason = f"more than {bounds.objects} objects: left out"
            read.unread.append(Unread(_name(wish), reason, "refused"))
        else:
            _add(read, wish, answer)


class _Turns:
    """Questions, so many at once, all within one time; a failure is an answer."""

    def __init__(self, bounds: CaptureBounds, progress: Progress) -> None:
        self._gate = asyncio.Semaphore(bounds.at_once)
        self._within_s = bounds.within_s
        self._progress = progress

    async def all(
        self, what: str, questions: Sequence[Callable[[], Awaitable[T]]]
    ) -> list[T | errors.KFixError]:
        self._progress.begin(what, len(questions))
        until = asyncio.get_running_loop().time() + self._within_s
        return await asyncio.gather(*(self._one(question, until) for question in questions))

    async def _one(
        self, question: Callable[[], Awaitable[T]], until: float
    ) -> T | errors.KFixError:
        try:
            async with asyncio.timeout_at(until), self._gate:
                return await question()
        except TimeoutError:
            return errors.TimedOut(f"not read within {self._within_s:g} s")
        except (errors.Retryable, errors.Permanent) as failure:
            return failure
        finally:
            self._progress.step()


async def _list(client: ReadableCluster, wish: WantedList, bounds: CaptureBounds) -> Objects:
    most = wish.limit or bounds.objects + 1
    return await client.list(wish.resource, wish.namespace, labels=wish.labels, limit=most)


async def _log(client: ReadableCluster, log: WantedLog, bounds: CaptureBounds) -> str:
    return await client.pod_log(
        log.namespace,
        log.pod,
        container=log.container,
        previous=log.previous,
        tail_lines=bounds.log_lines,
    )


def _settled(answers: Sequence[tuple[WantedList, Answer]], bounds: CaptureBounds) -> ReadCluster:
    read = ReadCluster()
    failures = [answer for _, answer in answers if isinstance(answer, errors.KFixError)]
    if len(failures) == len(answers):
        raise NothingRead(told(failures[0]))
    left_out = _left_out(answers, bounds)
    for wish, answer in answers:
        if isinstance(answer, errors.KFixError):
            _note_failure(read, wish, answer)
        elif wish.only_beside:
            if (wish.plural not in left_out) and len(answer) < wish.limit:
                _add(read, wish, answer)
        elif wish.plural not in left_out:
            _add(read, wish, answer[: bounds.objects])
        if not isinstance(answer, errors.KFixError) and len(answer) > bounds.objects:
            kept = "left out" if wish.plural in left_out else "the others are not there"
            more = f"more than {bounds.objects} objects: {kept}"
            read.unread.append(Unread(_name(wish), more, "refused"))
    if left_out:
        _drop_strays(read, answers, left_out)
    return read


def _left_out(answers: Sequence[tuple[WantedList, Answer]], bounds: CaptureBounds) -> set[str]:
    """Kinds that are judged by what they lack, and that came from a part of the namespaces or cut: none is better.

    A namespace of which nothing at all came is no part: nothing in it is judged.
    """
    own = [(w, a) for w, a in answers if not w.only_beside]
    seen = {w.namespace for w, a in own if not isinstance(a, errors.KFixError)}
    partial: set[str] = set()
    for wish, answer in own:
        if isinstance(answer, errors.KFixError):
            if wish.namespace in seen and not isinstance(answer, errors.NotFound):
                partial.add(wish.plural)
        elif len(answer) > bounds.objects:
            partial.add(wish.plural)
    return partial - set(THINNED)


def _drop_strays(
    read: ReadCluster, answers: Iterable[tuple[WantedList, Answer]], left_out: set[str]
) -> None:
    for wish, answer in answers:
        whole = not isinstance(answer, errors.KFixError) and not wish.only_beside
        if whole and wish.plural in left_out and all(u.name != _name(wish) for u in read.unread):
            reason = "left out, since it could not be read in each namespace"
            read.unread.append(Unread(_name(wish), reason))


def _add(read: ReadCluster, wish: WantedList, items: Objects) -> None:
    if wish.only_beside and all(plural != wish.plural for _, plural in read.lists):
        return  # these alone would say that the namespaces have none
    if wish.namespace or not items or not namespace_of(items[0]):
        read.lists.setdefault((wish.namespace, wish.plural), []).extend(
            item for item in items if not _is_there(read, wish, item)
        )
        return
    for item in items:
        read.lists.setdefault((namespace_of(item), wish.plural), []).append(item)


def _is_there(read: ReadCluster, wish: WantedList, item: Json) -> bool:
    if not wish.only_beside:
        return False
    there = read.lists.get((wish.namespace, wish.plural), ())
    return any(name_of(other) == name_of(item) for other in there)


def _note_failure(read: ReadCluster, wish: WantedList, failure: errors.KFixError) -> None:
    if isinstance(failure, errors.NotFound) and not wish.needed:
        if wish.resource not in read.not_served and not wish.only_beside:
            read.not_served.append(wish.resource)
        return
    read.unread.append(Unread(_name(wish), told(failure), _why(failure)))


def _check_namespaces(read: ReadCluster, namespaces: Sequence[str]) -> None:
    """A namespace that is not there is empty to the API server. Raises NothingRead when none of them is."""
    listed = read.lists.get(("", "namespaces"))
    if not namespaces or listed is None:
        return
    there = {name_of(item) for item in listed}
    absent = [name for name in namespaces if name not in there]
    if len(absent) == len(namespaces):
        raise NothingRead(f"the cluster has no namespace {', '.join(absent)}", reason="not_found")
    for name in absent:
        read.unread.append(Unread(f"namespace {name}", "the cluster has no such namespace"))


def _wanted_logs(
    read: ReadCluster, namespaces: Sequence[str], alert: Alert | None
) -> list[WantedLog]:
    objects = read.objects
    pods = [
        pod
        for (namespace, plural), items in read.lists.items()
        if plural == "pods" and (not namespaces or namespace in namespaces)
        for pod in items
    ]
    first: list[Json] = []
    if alert is not None:
        who = named(alert.labels)
        subject = resolve(who, objects)
        first = pods_of(objects, subject, who) if subject is not None else []
    return list(dict.fromkeys((*containers_in_trouble(first), *containers_in_trouble(pods))))


def _take_logs(
    read: ReadCluster, answers: Sequence[tuple[WantedLog, str | errors.KFixError]]
) -> None:
    """Of a container that waits, or had no run before, there is no log: that is no trouble, as it is none to enrich."""
    troubles: dict[tuple[str, Why], list[str]] = {}
    for log, answer in answers:
        if isinstance(answer, errors.Retryable | errors.Unauthorized):
            where = f"{log.namespace}/{log.pod}/{log.container}"
            troubles.setdefault((answer.reason, _why(answer)), []).append(where)
        elif isinstance(answer, str) and answer:
            read.logs.append(
                LogExcerpt(
                    namespace=log.namespace,
                    pod=log.pod,
                    container=log.container,
                    previous=log.previous,
                    lines=tuple(answer.splitlines()),
                )
            )
    for (reason, why), places in troubles.items():
        text = f"{reason}: {len(places)} logs, the first of {places[0]}"
        read.unread.append(Unread("kubernetes.logs", cut(text, _REASON), why))


def told(failure: errors.KFixError) -> str:
    """A failure for people, on one line."""
    words = " ".join(sentence_of(failure).split())
    return cut(f"{failure.reason}: {words}", _REASON)


def _why(failure: errors.KFixError) -> Why:
    return "unanswered" if isinstance(failure, errors.Retryable) else ""


def _name(wish: WantedList) -> str:
    extra = f" with {wish.labels}" if wish.labels else ""
    where = f" of {wish.namespace}" if wish.namespace else ""
    return f"kubernetes.{wish.resource}{where}{extra}"
