"""One registry: manifests and tags of its repositories.

What a status means is in the specification's table of error codes; what is read is checked to be what was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kfix.incident.images import ImageReference
from kfix.infra.clients.boundary import another, mapping, same
from kfix.infra.clients.http import Http, HttpResponse
from kfix.infra.clients.oci.tokens import Issuer
from schemas import errors
from schemas.images import ImageAnswer, NoAnswer

NAME = "image registry"
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = {"accept": ", ".join((*_INDEXES, *_MANIFESTS))}
_PAGE = 500
#: What a registry says of a repository that is not there, or that is not for everybody's eyes.
_NO_NAME = "NAME_UNKNOWN"


@dataclass(frozen=True, slots=True)
class OneRegistry:
    """An open connection to one registry, for a few questions."""

    http: Http
    issuer: Issuer
    _headers: dict[str, str] = field(default_factory=dict)

    async def image(self, wanted: ImageReference, before: ImageAnswer | None = None) -> ImageAnswer:
        """Whether it is there and for which platforms. Raises ``errors.Retryable``, and ``errors.Rejected`` for what is no answer.

        ``before``: an earlier answer; where the registry still has the same digest, that one stands.
        """
        path = f"/{wanted.path}/manifests/{wanted.digest or wanted.tag}"
        if before is not None and before.exists == "yes" and before.digest:
            head = await self._ask("HEAD", path, wanted)
            if head.status == 200 and head.headers.get("docker-content-digest") == before.digest:
                return before
        reply = await self._ask("GET", path, wanted)
        if reply.status != 200:
            return self._absent(wanted, reply)
        digest = _digest(reply, wanted)
        document = mapping(NAME, reply.json())
        platforms = await self._platforms(wanted, document)
        return self._answer(wanted, exists="yes", digest=digest, platforms=platforms)

    async def tags(self, wanted: ImageReference, most: int) -> list[str]:
        """Tags of its repository, at most so many; empty where the registry lists none. Raises as ``image``."""
        found: list[str] = []
        page = {"n": str(min(_PAGE, max(1, most)))}
        while len(found) < most:
            reply = await self._ask("GET", f"/{wanted.path}/tags/list", wanted, page)
            if reply.status != 200:
                return found
            document = mapping(NAME, reply.json())
            same(NAME, {"name": wanted.path}, document)
            found += [tag for tag in document.get("tags") or () if isinstance(tag, str)]
            last = _last(reply)
            if not last or last == page.get("last"):
                break
            page["last"] = last
        return found[:most]

    async def _platforms(
        self, wanted: ImageReference, document: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """``os/architecture[/variant]`` of an index, or of the one image that it is."""
        if isinstance(document.get("manifests"), list):
            told = (m.get("platform") for m in document["manifests"] if isinstance(m, dict))
            return tuple(dict.fromkeys(filter(None, map(_platform, told))))
        config = document.get("config")
        digest = str(config.get("digest") or "") if isinstance(config, dict) else ""
        try:
            where = ImageReference(wanted.host, wanted.path, digest=digest)
            reply = await self._ask("GET", f"/{wanted.path}/blobs/{digest}", wanted, also=_MOVED)
            if reply.status != 200 or not digest:
                return ()
            _digest(reply, where)
            return tuple(filter(None, [_platform(mapping(NAME, reply.json()))]))
        except errors.KFixError:
            return ()  # it exists all the same

    async def _ask(
        self,
        method: str,
        path: str,
        wanted: ImageReference,
        params: Mapping[str, str] | None = None,
        also: tuple[int, ...] = (),
    ) -> HttpResponse:
        scope = f"repository:{wanted.path}:pull"
        shown = self._headers.get(scope, "")
        also = (401, 403, 404, *also)

        async def once(authorization: str) -> HttpResponse:
            headers = {**_ACCEPT, **({"authorization": authorization} if authorization else {})}
            return await self.http.request(
                method, f"/v2{path}", params=params, headers=headers, also=also
            )

        reply = await once(shown)
        if reply.status != 401 or shown:
            return reply
        challenge = reply.headers.get("www-authenticate") or ""
        try:
            shown = await self.issuer.authorization(challenge, scope)
        except errors.Unauthorized:
            return reply
        if not shown:
            return reply
        self._headers[scope] = shown
        return await once(shown)

    def _absent(self, wanted: ImageReference, reply: HttpResponse) -> ImageAnswer:
        """What 401, 403 and 404 say of an image."""
        code = _code(reply)
        detail = " ".join((f"HTTP {reply.status}", code)).strip()
        if reply.status != 404:
            return self._answer(wanted, why="denied", detail=detail)
        if not self.issuer.basic and code in ("", _NO_NAME):
            return self._answer(wanted, why="hidden", detail=detail)
        return self._answer(wanted, exists="no", detail=detail)

    def _answer(self, wanted: ImageReference, why: NoAnswer = "", **told: Any) -> ImageAnswer:
        known = bool(self.issuer.basic)
        return ImageAnswer(reference=wanted.canonical, why=why, known_there=known, **told)


#: Registries keep blobs elsewhere and send there; K-Fix does not follow.
_MOVED = (301, 302, 303, 307, 308)


def _digest(reply: HttpResponse, wanted: ImageReference) -> str:
    """The digest of a body. Raises ``errors.Unavailable`` (``another_answer``) where it is not the one that was asked for or told."""
    counted = f"sha256:{hashlib.sha256(reply.body).hexdigest()}"
    told = reply.headers.get("docker-content-digest") or counted
    asked = wanted.digest or told
    if any(one.startswith("sha256:") and one != counted for one in (told, asked)):
        raise another(NAME, "digest")
    return told if told == asked else counted


def _platform(told: object) -> str:
    """Attestations stand in an index as images for ``unknown``."""
    if not isinstance(told, dict):
        return ""
    parts = [str(told.get(key) or "") for key in ("os", "architecture", "variant")]
    if not all(parts[:2]) or "unknown" in parts[:2] or len("/".join(parts)) > 60:
        return ""
    return "/".join(part for part in parts if part)


def _last(reply: HttpResponse) -> str:
    """Where the next page begins: of the header ``Link`` that alone, never its address."""
    link = reply.headers.get("link") or ""
    address, _, rest = link.partition(">")
    if "next" not in rest:
        return ""
    return (parse_qs(urlsplit(address.strip(" <")).query).get("last") or [""])[0][:256]


def _code(reply: HttpResponse) -> str:
    """The first error code of an answer; empty where it has none."""
    try:
        told = reply.json()
        code = told["errors"][0]["code"]
    except (errors.Unavailable, KeyError, IndexError, TypeError):
        return ""
    return code[:40] if isinstance(code, str) and code.replace("_", "").isalnum() else ""
