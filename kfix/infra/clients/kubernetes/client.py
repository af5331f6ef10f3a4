"""Reads and dry-runs. Reads are retried a little; every failure is one of ``schemas.errors``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol, TypeVar

import stamina

from kfix.infra.clients.boundary import guarded, same
from kfix.infra.clients.kubernetes import answers
from kfix.infra.clients.kubernetes.kinds import (
    RequestTarget,
    ResourceType,
    Table,
    from_resource_list,
)
from kfix.infra.clients.kubernetes.lock import LockProof, proof_of
from kfix.infra.clients.kubernetes.refusals import DryRun, Expired, RejectedByServer, document_of
from manifests.objects.meta import writers
from manifests.objects.shapes import mapping
from schemas import errors
from schemas.base import ObjectRef

T = TypeVar("T")
Object = dict[str, Any]
Objects = list[Object]
#: How a patch body is read: Kubernetes' strategic merge, RFC 7386, RFC 6902, or server-side apply (forced).
PatchType = Literal["strategic", "merge", "json", "apply"]

_CONTENT_TYPES: dict[PatchType, str] = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
_JSON = "application/json"
#: Of Secrets only names, labels and owners are asked for: values never leave the API server.
_METADATA_ONLY = "application/json;as=PartialObjectMetadata{list};g=meta.k8s.io;v=v1"
#: Objects per page. 500 is kubectl's own chunk size.
PAGE = 500
_ATTEMPTS = 3
_REDISCOVER_AFTER_S = 60.0
_RESTARTS = 2


class Transport(Protocol):
    """What the client needs of ``wire.Wire``: three doors, none of which can change anything."""

    async def read(self, target: RequestTarget, accept: str) -> bytes:
        """A GET's body. Raises from ``schemas.errors``."""
        ...

    async def dry_run(
        self, method: Literal["POST", "PATCH"], target: RequestTarget, body: Any, content_type: str
    ) -> tuple[Object, tuple[str, ...]]:
        """The object as the server would keep it, and its warnings; always with ``dryRun=All``. Raises from ``schemas.errors``."""
        ...

    async def probe_lock(self, namespace: str, name: str) -> None:
        """Tries the one real write that the admission policy must refuse, on the named ConfigMap. Raises what the server answers."""
        ...


def _worth_retrying(trouble: Exception) -> bool | float:
    if not isinstance(trouble, errors.Unavailable | errors.TimedOut | errors.RateLimited):
        return False
    return min(trouble.retry_after_s, 5.0) if trouble.retry_after_s else True


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Three tries, 0.2 s and 0.4 s apart or as the server asks (at most 5 s)."""
    async for attempt in stamina.retry_context(
        on=_worth_retrying, attempts=_ATTEMPTS, timeout=None, wait_initial=0.2, wait_jitter=0.1
    ):
        with attempt:
            return await call()
    raise errors.Defect("unreachable: the last attempt returns or raises")


@guarded(answers.NAME)
class Kubernetes:
    """One cluster. Objects are plain JSON with ``apiVersion`` and ``kind`` set and ``managedFields`` removed;
    of a Secret's stays who wrote it when.

    All methods raise ``errors.Unauthorized``, ``NotFound``, ``Unavailable``, ``TimedOut``, ``RateLimited``;
    dry-runs also ``RejectedByServer`` (a ``Rejected`` with causes) and ``Conflict`` (a ``Moved``).
    """

    def __init__(self, wire: Transport) -> None:
        self._wire = wire
        self._kinds = Table()
        self._discovered_at = float("-inf")

    async def list(
        self,
        plural: str,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        limit: int = 0,
    ) -> Objects:
        """All objects of a kind, page by page. ``limit`` stops after that many, 0 never.

        ``plural`` as in ``KubernetesContext.objects``, or ``plural.group`` for custom resources; ``namespace`` empty:
        all namespaces. ``labels`` and ``fields`` are selectors. An expired page restarts the list, twice at most.
        """
        kind = await self._plural(plural)
        selectors = (("labelSelector", labels), ("fieldSelector", fields))
        query = tuple((name, value) for name, value in selectors if value)
        for _ in range(_RESTARTS):
            try:
                return await self._pages(kind, namespace, labels, query, limit)
            except Expired:
                continue
        return await self._pages(kind, namespace, labels, query, limit)

    async def get(self, plural: str, namespace: str, name: str) -> Object:
        """One object. ``plural`` as in ``list``; ``namespace`` is ignored for cluster-scoped kinds."""
        return await self._get(await self._plural(plural), namespace, name)

    async def find(self, ref: ObjectRef) -> Object:
        """The object ``ref`` names, by kind and apiVersion (empty: the usual one)."""
        kind = await self._kind(ref.api_version, ref.kind)
        return await self._get(kind, ref.namespace, ref.name)

    async def pod_log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        previous: bool = False,
        tail_lines: int = 200,
        limit_bytes: int = 256 * 1024,
    ) -> str:
        """The end of a container's log, undecodable bytes replaced. ``previous``: of the run before the last restart.

        Raises ``RejectedByServer`` (reason ``invalid``) while the container waits or has no previous run.
        """
        query = [("tailLines", str(tail_lines)), ("limitBytes", str(limit_bytes))]
        query += [("container", container)] if container else []
        query += [("previous", "true")] if previous else []
        path = "/api/v1/namespaces/{namespace}/pods/{name}/log"
        names = {"namespace": namespace, "name": pod}
        target = RequestTarget(path, names, tuple(query))
        return (await self._read(target, "*/*")).decode(errors="replace")

    async def version(self) -> str:
        """The server's version, such as ``v1.37.2``."""
        document = document_of(await self._read(RequestTarget("/version"), _JSON))
        return str(document.get("gitVersion", ""))

    async def dry_run_patch(
        self, ref: ObjectRef, patch: Any, how: PatchType = "strategic"
    ) -> DryRun:
        """What the object would be after ``patch``. A strategic patch of a custom resource goes as a merge patch.

        A Deployment's dry-run shows neither quota nor LimitRange: dry-run the Pod of the answered template as well.
        """
        kind = await self._kind(ref.api_version, ref.kind)
        if how == "strategic" and kind.custom:
            how = "merge"
        query = (("force", "true"),) if how == "apply" else ()
        path = f"{kind.in_namespace}/{{name}}"
        target = RequestTarget(path, _names(kind, ref.namespace, ref.name), query)
        try:
            answer, warnings = await self._dry_run("PATCH", target, patch, _CONTENT_TYPES[how])
        except RejectedByServer as refused:
            if how != "strategic" or refused.status != 415:
                raise
            answer, warnings = await self._dry_run("PATCH", target, patch, _CONTENT_TYPES["merge"])
        would = answers.object_of(kind, answer, ref.namespace, ref.name)
        return DryRun(_clean(would, kind), warnings)

    async def dry_run_create(self, manifest: Object) -> DryRun:
        """What would be stored if ``manifest`` were created. Raises ``Conflict`` when the object is there already."""
        metadata = mapping(manifest, "metadata")
        kind = await self._kind(str(manifest.get("apiVersion", "")), str(manifest.get("kind", "")))
        names = _names(kind, str(metadata.get("namespace") or "default"), "")
        target = RequestTarget(kind.in_namespace, names)
        answer, warnings = await self._dry_run("POST", target, manifest, _JSON)
        named = (names.get("namespace", ""), str(metadata.get("name") or ""))
        return DryRun(_clean(answers.object_of(kind, answer, *named), kind), warnings)

    async def prove_lock(self, namespace: str, name: str) -> LockProof:
        """Whether the cluster refuses what is no dry-run, tried on this ConfigMap without changing it. Never raises."""
        try:
            await self._wire.probe_lock(namespace, name)
        except errors.KFixError as answer:
            return proof_of(answer)
        return proof_of(None)

    async def _get(self, kind: ResourceType, namespace: str, name: str) -> Object:
        path = f"{kind.in_namespace}/{{name}}"
        body = await self._read(
            RequestTarget(path, _names(kind, namespace, name)), _accept(kind, "")
        )
        return _clean(answers.object_of(kind, document_of(body), namespace, name), kind)

    async def _read(self, target: RequestTarget, accept: str) -> bytes:
        return await _patiently(lambda: self._wire.read(target, accept))

    async def _dry_run(
        self, method: Literal["POST", "PATCH"], target: RequestTarget, body: Any, content_type: str
    ) -> tuple[Object, tuple[str, ...]]:
        return await _patiently(lambda: self._wire.dry_run(method, target, body, content_type))

    async def _pages(
        self,
        kind: ResourceType,
        namespace: str,
        labels: str,
        query: tuple[tuple[str, str], ...],
        limit: int,
    ) -> Objects:
        items: Objects = []
        path = kind.in_namespace if namespace else kind.collection
        names = _names(kind, namespace, "")
        token = ""
        while True:
            page = min(PAGE, limit - len(items)) if limit else PAGE
            paging = (("limit", str(page)), *((("continue", token),) if token else ()))
            target = RequestTarget(path, names, (*query, *paging))
            body = await self._read(target, _accept(kind, "List"))
            document = document_of(body)
            found = answers.items_of(kind, document, namespace, labels)
            items += [_clean(item, kind) for item in found]
            token = mapping(document, "metadata").get("continue") or ""
            if not token or (limit and len(items) >= limit):
                return items

    async def _plural(self, name: str) -> ResourceType:
        found = self._kinds.plural(name)
        if found is None:
            await self._discover()
            found = self._kinds.plural(name)
        if found is None:
            raise errors.NotFound(f"the cluster serves no {name!r}", reason="no_such_kind")
        return found

    async def _kind(self, api_version: str, name: str) -> ResourceType:
        found = self._kinds.kind(api_version, name)
        if found is None:
            await self._discover()
            found = self._kinds.kind(api_version, name)
        if found is None:
            raise errors.NotFound(
                f"the cluster serves no {name!r} in {api_version or 'any API'}",
                reason="no_such_kind",
            )
        return found

    async def _discover(self) -> None:
        """Asks the server for its groups; at most once a minute."""
        if time.monotonic() - self._discovered_at < _REDISCOVER_AFTER_S:
            return
        self._discovered_at = time.monotonic()
        groups = document_of(await self._read(RequestTarget("/apis"), _JSON)).get("groups") or ()
        versions = [g["preferredVersion"]["groupVersion"] for g in groups]
        versions += [v["groupVersion"] for g in groups for v in g["versions"]]
        for version in dict.fromkeys(versions):
            group, _, number = version.partition("/")
            names = {"group": group, "version": number}
            try:
                body = await self._read(RequestTarget("/apis/{group}/{version}", names), _JSON)
            except (errors.NotFound, errors.Unavailable, errors.Unauthorized):
                continue  # an aggregated API that is down must not hide the others
            served = document_of(body)
            same(answers.NAME, {"groupVersion": version}, served)
            for kind in from_resource_list(served):
                self._kinds.add(kind)


def _names(kind: ResourceType, namespace: str, name: str) -> dict[str, str]:
    names = {"namespace": namespace} if kind.namespaced and namespace else {}
    for value in (namespace, name):
        if value in (".", "..") or "/" in value:
            raise errors.Rejected(f"not a Kubernetes name: {value!r}")
    return names | ({"name": name} if name else {})


def _accept(kind: ResourceType, suffix: str) -> str:
    return _METADATA_ONLY.format(list=suffix) if kind.plural == "secrets" else _JSON


def _clean(item: Object, kind: ResourceType) -> Object:
    metadata = item.get("metadata")
    if isinstance(metadata, dict):
        written = writers(metadata.pop("managedFields", None))
        if written and kind.plural == "secrets":
            metadata["managedFields"] = written
    if kind.plural == "secrets":
        item = {"metadata": metadata}
    return {**item, "apiVersion": kind.version, "kind": kind.kind}
