"""The API server's paths on top of a ``Cluster``."""

from __future__ import annotations

import hmac
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.kubernetes import discovery, reading, writing
from sandbox.kubernetes.kinds import Kind
from sandbox.kubernetes.status import Refusal, no_such_resource, not_found
from sandbox.kubernetes.store import Cluster

_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}


def create_app(cluster: Cluster, token: str | None) -> Starlette:
    """The ASGI application. ``token``: the only bearer token let in; ``None`` lets everybody in."""
    server = _Server(cluster, token)
    methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    paths = (
        "/api/{version}/namespaces/{namespace}/{plural}/{name}/{sub}",
        "/api/{version}/namespaces/{namespace}/{plural}/{name}",
        "/api/{version}/namespaces/{namespace}/{plural}",
        "/api/{version}/{plural}/{name}",
        "/api/{version}/{plural}",
    )
    grouped = tuple("/apis/{group}" + path.removeprefix("/api") for path in paths)
    fixed = {
        "/version": lambda: discovery.version(cluster),
        "/api": discovery.core_versions,
        "/apis": lambda: discovery.groups(cluster),
        "/readyz": lambda: "ok",
        "/healthz": lambda: "ok",
    }
    routes = [Route(path, server.fixed(answer), methods=["GET"]) for path, answer in fixed.items()]
    routes.append(Route("/apis/{group}", server.group, methods=["GET"]))
    routes.append(Route("/api/{version}", server.resources, methods=["GET"]))
    routes.append(Route("/apis/{group}/{version}", server.resources, methods=["GET"]))
    routes += [Route(path, server.object, methods=methods) for path in (*paths, *grouped)]
    return Starlette(routes=routes)


def _answer(body: Any, status: int = 200, warnings: tuple[str, ...] = ()) -> Response:
    answer = Response(orjson.dumps(body), status, media_type="application/json")
    for warning in warnings:
        answer.headers.append("Warning", warning)
    return answer


class _Server:
    def __init__(self, cluster: Cluster, token: str | None) -> None:
        self._cluster = cluster
        self._token = token

    def _authenticate(self, request: Request) -> None:
        if self._token is None:
            return
        given = request.headers.get("authorization", "")
        scheme, _, value = given.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            value.strip().encode(), self._token.encode()
        ):
            raise Refusal(401, "Unauthorized", "Unauthorized")

    def _authorize(self, verb: str, kind: Kind, namespace: str, name: str, sub: str) -> None:
        resource = f"{kind.plural}/{sub}" if sub else kind.plural
        if not {(verb, resource), ("*", resource), (verb, "*")} & self._cluster.denied:
            return
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        what = f'{kind.resource} "{name}"' if name else kind.resource
        raise Refusal(
            403,
            "Forbidden",
            f'{what} is forbidden: User "k-fix" cannot {verb} resource "{resource}"'
            f' in API group "{kind.group}" {where}',
            {"name": name, "group": kind.group, "kind": kind.plural},
        )

    def fixed(self, body: Any) -> Any:
        """An endpoint with a computed answer that needs no object."""

        async def endpoint(request: Request) -> Response:
            try:
                self._authenticate(request)
            except Refusal as refusal:
                return _answer(refusal.body(), refusal.code)
            content = body()
            return PlainTextResponse(content) if isinstance(content, str) else _answer(content)

        return endpoint

    async def group(self, request: Request) -> Response:
        """``/apis/<group>``."""
        return self._described(
            request, discovery.group(self._cluster, request.path_params["group"])
        )

    async def resources(self, request: Request) -> Response:
        """``/api/v1`` and ``/apis/<group>/<version>``."""
        return self._described(request, discovery.resources(self._cluster, _version(request)))

    def _described(self, request: Request, body: Any) -> Response:
        try:
            self._authenticate(request)
        except Refusal as refusal:
            return _answer(refusal.body(), refusal.code)
        return _answer(body) if body else PlainTextResponse("404 page not found\n", 404)

    async def object(self, request: Request) -> Response:
        """Everything about objects."""
        try:
            self._authenticate(request)
            return await self._object(request)
        except Refusal as refusal:
            return _answer(refusal.body(), refusal.code)

    async def _object(self, request: Request) -> Response:
        place = request.path_params
        version = _version(request)
        if not any(kind.version == version for kind in self._cluster.kinds):
            return PlainTextResponse("404 page not found\n", 404)
        namespace, name, sub = (place.get(key, "") for key in ("namespace", "name", "sub"))
        kind = self._cluster.plural(version, place["plural"])
        if kind is None or (kind.namespaced and name and not namespace):
            raise no_such_resource()
        verb = _VERBS.get(request.method, "get" if name else "list")
        self._authorize(verb, kind, namespace, name, sub)
        if sub:
            return self._subresource(request, kind, namespace, name, sub)
        if verb == "list":
            return _answer(reading.listed(self._cluster, kind, namespace, request))
        if verb == "get":
            return _answer(reading.one(self._cluster, kind, namespace, name, request))
        body = await request.body()
        return await self._write(request, kind, namespace, name, body)

    async def _write(
        self, request: Request, kind: Kind, namespace: str, name: str, body: bytes
    ) -> Response:
        options = writing.Options.of(request.query_params, request.method)
        if self._cluster.locked and not options.dry_run:
            self._refuse(kind, namespace, name)
        if request.method == "POST" and not name:
            stored, warnings = writing.create(self._cluster, kind, namespace, body, options)
            return _answer(stored, 201, warnings)
        if request.method == "PATCH" and name:
            content_type = request.headers.get("content-type", "").partition(";")[0]
            stored, warnings = writing.patch(
                self._cluster, kind, (namespace, name), (content_type, body), options
            )
            return _answer(stored, 200, warnings)
        if request.method == "DELETE" and name:
            return _answer(writing.delete(self._cluster, kind, namespace, name, options))
        message = "the server does not allow this method on the requested resource"
        raise Refusal(405, "MethodNotAllowed", message, {})

    def _refuse(self, kind: Kind, namespace: str, name: str) -> None:
        """A validating policy sees an update of what is there. Raises Refusal, in the real server's words and status."""
        if name and self._cluster.get(kind, namespace, name) is None:
            raise not_found(kind, name)
        policy = "k-fix-dry-run-only"
        raise Refusal(
            422,
            "Invalid",
            f"{kind.plural} \"{name}\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding"
            f" '{policy}' denied request: K-Fix may only dry-run",
            {"name": name, "kind": kind.plural},
        )

    def _subresource(
        self, request: Request, kind: Kind, namespace: str, name: str, sub: str
    ) -> Response:
        if kind.plural == "pods" and sub == "log" and request.method == "GET":
            return PlainTextResponse(
                reading.log(self._cluster, kind, namespace, name, request.query_params)
            )
        raise no_such_resource()


def _version(request: Request) -> str:
    group = request.path_params.get("group", "")
    version = str(request.path_params.get("version", ""))
    return f"{group}/{version}" if group else version
