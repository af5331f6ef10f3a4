"""A small image registry: manifests, indexes, tags by page, tokens. Read-only, as K-Fix may read it.

Source: github.com/opencontainers/distribution-spec v1.1.1 (statuses, error codes, ``Link``), distribution's token
specification, image-spec (index, manifest, config).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.serving import reply
from schemas.base import Json

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
BOTH = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes under their digest."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """As registries name it."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"


@dataclass(slots=True)
class ImageRegistry:
    """What it holds. ``private``: repositories that nobody sees without ``user`` and ``password``."""

    user: str = "reader"
    password: str = "sandbox-registry-password"
    #: ``open``: whoever asks; ``token``: a Bearer token first, as Docker Hub has it; ``basic``: user and password.
    door: str = "open"
    #: Where tokens are handed out, in the challenge; empty: here.
    realm: str = ""
    private: set[str] = field(default_factory=set)
    #: Repository and tag, or digest, to what is there.
    manifests: dict[tuple[str, str], Blob] = field(default_factory=dict)
    blobs: dict[tuple[str, str], Blob] = field(default_factory=dict)

    def push(self, repository: str, tag: str, platforms: Iterable[str] = BOTH) -> str:
        """An index for several platforms, one manifest for one. Returns its digest."""
        made = [self._image(repository, tag, platform) for platform in platforms]
        top = made[0][1]
        if len(made) > 1:
            listed = [
                {"mediaType": MANIFEST, "digest": one.digest, "size": len(one.body), "platform": of}
                for of, one in made
            ]
            top = _blob(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})
        self.manifests[repository, tag] = self.manifests[repository, top.digest] = top
        return top.digest

    def tags(self, repository: str) -> list[str]:
        """In the order of the specification."""
        return sorted(t for name, t in self.manifests if name == repository and ":" not in t)

    def _image(self, repository: str, tag: str, platform: str) -> tuple[dict[str, str], Blob]:
        parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        config = _blob(CONFIG, {**parts, "config": {"Labels": {"tag": tag}}})
        told = {"mediaType": CONFIG, "digest": config.digest, "size": len(config.body)}
        manifest = _blob(
            MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": told, "layers": []}
        )
        self.blobs[repository, config.digest] = config
        self.manifests[repository, manifest.digest] = manifest
        return parts, manifest


def stocked(images: Iterable[str]) -> ImageRegistry:
    """A registry with these images (``host/repository:tag``)."""
    registry = ImageRegistry()
    for image in images:
        repository, _, tag = image.partition("/")[2].rpartition(":")
        registry.push(repository, tag)
    return registry


def create_app(registry: ImageRegistry, faults: Faults | None = None) -> ASGIApp:
    """The service over what a registry holds."""
    api = _Api(registry)
    table = (
        ("/token", api.token),
        ("/v2/", api.root),
        ("/v2/{name:path}/manifests/{reference}", api.manifest),
        ("/v2/{name:path}/blobs/{digest}", api.blob),
        ("/v2/{name:path}/tags/list", api.tags),
    )
    routes = [Route(path, call, methods=["GET", "HEAD"]) for path, call in table]
    return WithFaults(Starlette(routes=routes), "registry", faults or Faults())


class _Api:
    def __init__(self, registry: ImageRegistry) -> None:
        self._registry = registry

    async def root(self, request: Request) -> Response:
        return self._refused(request, "") or reply({})

    async def token(self, request: Request) -> Response:
        """A token says whom it was given to; that is all this one checks."""
        basic = request.headers.get("authorization", "")
        known = hmac.compare_digest(basic.encode(), self._basic().encode())
        if basic and not known:
            return _error(401, "UNAUTHORIZED", "authentication required")
        return reply({"token": "for-readers" if known else "for-anybody", "expires_in": 300})

    async def manifest(self, request: Request) -> Response:
        name, reference = request.path_params["name"], request.path_params["reference"]
        refused = self._refused(request, name)
        if refused is not None:
            return refused
        found = self._registry.manifests.get((name, reference))
        if found is None:
            return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return _served(found)

    async def blob(self, request: Request) -> Response:
        name, digest = request.path_params["name"], request.path_params["digest"]
        found = self._registry.blobs.get((name, digest))
        return self._refused(request, name) or (
            _served(found) if found else _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        )

    async def tags(self, request: Request) -> Response:
        name = request.path_params["name"]
        refused = self._refused(request, name)
        if refused is not None:
            return refused
        known = self._registry.tags(name)
        if not known:
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
        n, last = int(request.query_params.get("n", 100)), request.query_params.get("last", "")
        rest = [tag for tag in known if tag > last]
        more = f'</v2/{name}/tags/list?last={rest[n - 1]}&n={n}>; rel="next"' if rest[n:] else ""
        return reply({"name": name, "tags": rest[:n]}, 200, {"link": more} if more else None)

    def _refused(self, request: Request, name: str) -> Response | None:
        """The challenge, or the refusal, of who may not see a repository."""
        given, door = request.headers.get("authorization", ""), self._registry.door
        known = given in (self._basic(), "Bearer for-readers")
        if known or (name not in self._registry.private and (door == "open" or given == _ANYBODY)):
            return None
        if given == _ANYBODY:
            return _error(401, "UNAUTHORIZED", "access to the requested resource is not authorized")
        realm = self._registry.realm or str(request.url.replace(path="/token", query=""))
        bearer = f'Bearer realm="{realm}",service="sandbox",scope="repository:{name}:pull"'
        challenge = 'Basic realm="sandbox"' if door == "basic" else bearer
        headers = {"www-authenticate": challenge}
        return _error(401, "UNAUTHORIZED", "authentication required", headers)

    def _basic(self) -> str:
        pair = f"{self._registry.user}:{self._registry.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


_ANYBODY = "Bearer for-anybody"


def _blob(media_type: str, document: Json) -> Blob:
    return Blob(media_type, orjson.dumps(document))


def _served(found: Blob) -> Response:
    headers = {"docker-content-digest": found.digest}
    return Response(found.body, headers=headers, media_type=found.media_type)


def _error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    return reply({"errors": [{"code": code, "message": message, "detail": None}]}, status, headers)
