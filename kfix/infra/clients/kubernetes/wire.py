"""The only place where bytes go to the cluster. Built on ``kubernetes.aio``; imported when a cluster is opened.

Three doors: ``read`` (GET), ``dry_run`` (POST or PATCH with ``dryRun=All``) and ``probe_lock``, a PATCH of one
ConfigMap that changes nothing. Below them ``DryRunOnly`` stands in for
the official client's transport and refuses anything else, so that not even a mistake in this package can write.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.rest import RESTClientObject, RESTResponse

from kfix.infra.clients.kubernetes import lock
from kfix.infra.clients.kubernetes.kinds import RequestTarget
from kfix.infra.clients.kubernetes.refusals import document_of, refusal
from kfix.infra.clients.kubernetes.turns import turns_at
from schemas import errors

#: Sent with every write. ``Strict``: unknown and duplicate fields are errors instead of being dropped.
DRY_RUN_QUERY = (("dryRun", "All"), ("fieldValidation", "Strict"), ("fieldManager", "k-fix"))
_MERGE = "application/merge-patch+json"
_CONFIGMAP = re.compile(r"/api/v1/namespaces/[a-z0-9-]+/configmaps/[a-z0-9.-]+\Z")
#: 5,000 pods are about 11 MB; pages are far smaller. More than this is a fault or an attack.
BODY_LIMIT_BYTES = 64 * 2**20


class DryRunOnly(RESTClientObject):
    """The official transport with a gate: GET, POST and PATCH marked ``dryRun=All`` on a plain resource, the probe."""

    async def request(
        self,
        method: str,
        url: str,
        headers: Any = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: Any = None,
    ) -> RESTResponse:
        """Raises ``errors.Defect`` (reason ``would_write``) before anything is sent when the gate is closed."""
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True)
        dry = method in ("POST", "PATCH") and query.get("dryRun") == ["All"]
        # A dry-run TokenRequest returns a token that works.
        writes = method != "GET" and (not dry or parts.path.rstrip("/").endswith("/token"))
        if writes and not _changes_nothing(method, parts, headers, body):
            raise errors.Defect(
                f"{method} {parts.path} would write to the cluster", reason="would_write"
            )
        answer: RESTResponse = await super().request(  # type: ignore[no-untyped-call]
            method, url, headers, body, post_params, _request_timeout
        )
        return answer

    def _create_pool_manager(self) -> Any:
        return _WithoutRedirects(super()._create_pool_manager())


def _changes_nothing(method: str, parts: SplitResult, headers: Any, body: Any) -> bool:
    """The lock's probe, exactly: an empty merge patch of a ConfigMap."""
    return (
        method == "PATCH"
        and body == lock.NOTHING
        and (headers or {}).get("Content-Type") == _MERGE
        and parse_qs(parts.query, keep_blank_values=True) == {"fieldManager": ["k-fix"]}
        and _CONFIGMAP.search(parts.path) is not None
    )


class _WithoutRedirects:
    """A session that follows no redirect: a cluster's API has none, and a token must not travel along one."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, **args: Any) -> aiohttp.ClientResponse:
        return await self._session.request(**args, allow_redirects=False)

    async def close(self) -> None:
        await self._session.close()


class KubernetesHttp:
    """Requests with time-out, size cap and typed errors. No retries: the client above decides about those.

    ``at_once``: requests under way at this API server, of all such objects in this process together.
    """

    def __init__(self, configuration: Configuration, *, timeout_s: float, at_once: int) -> None:
        configuration.connection_pool_maxsize = at_once
        self._api = ApiClient(configuration)
        self._gate = DryRunOnly(configuration)
        self._api.rest_client = self._gate
        self._api.user_agent = "k-fix"
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._turns = turns_at(str(configuration.host), at_once)

    async def close(self) -> None:
        """Closes the connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def read(self, target: RequestTarget, accept: str) -> bytes:
        """GETs ``target``. Raises from ``schemas.errors``."""
        body, _ = await self._send("GET", target, {"Accept": accept}, None)
        return body

    async def dry_run(
        self, method: Literal["POST", "PATCH"], target: RequestTarget, body: Any, content_type: str
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What the server would have stored, and its warnings. Raises from ``schemas.errors`` and ``refusals``."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        dry = replace(target, query=(*DRY_RUN_QUERY, *target.query))
        answer, warnings = await self._send(method, dry, headers, body)
        return document_of(answer), warnings

    async def probe_lock(self, namespace: str, name: str) -> None:
        """A real PATCH that changes nothing. Raises from ``schemas.errors`` and ``refusals``: the lock's refusal, too."""
        headers = {"Accept": "application/json", "Content-Type": _MERGE}
        names = {"namespace": namespace, "name": name}
        target = RequestTarget(lock.PROBE_PATH, names, (("fieldManager", "k-fix"),))
        await self._send("PATCH", target, headers, lock.NOTHING)

    async def _send(
        self, method: str, target: RequestTarget, headers: dict[str, str], body: Any
    ) -> tuple[bytes, tuple[str, ...]]:
        doing = f"{method} {target}"
        _, url, headers, body, _ = await self._api.param_serialize(
            method,
            target.path,
            target.names,
            list(target.query),
            headers,
            body,
            auth_settings=["BearerToken"],
        )
        try:
            async with self._turns.gate, asyncio.timeout(self._timeout.total):
                answer = await self._gate.request(method, url, headers, body, None, self._timeout)
                content = await _bounded(answer.response, doing)
        except TimeoutError as late:
            raise errors.TimedOut(f"{doing}: no answer in {self._timeout.total} s") from late
        except (aiohttp.ClientError, OSError) as trouble:
            raise errors.Unavailable(f"{doing}: {type(trouble).__name__}") from trouble
        if not 200 <= answer.status < 300:
            apply = headers.get("Content-Type") == "application/apply-patch+yaml"
            wait_s = _seconds(answer.headers.get("Retry-After"))
            raise refusal(answer.status, content, doing=doing, retry_after_s=wait_s, apply=apply)
        return content, tuple(answer.headers.getall("Warning", ()))


async def _bounded(response: aiohttp.ClientResponse, doing: str) -> bytes:
    chunks = bytearray()
    async with response:
        async for chunk in response.content.iter_chunked(1 << 18):
            chunks += chunk
            if len(chunks) > BODY_LIMIT_BYTES:
                raise errors.Rejected(f"{doing}: answer over {BODY_LIMIT_BYTES} bytes")
    return bytes(chunks)


def _seconds(text: str | None) -> float | None:
    try:
        return min(float(text), 30.0) if text else None
    except ValueError:
        return None
