"""All registries: who may be asked, and what became of each question. A failure is an answer with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kfix.incident.images import ImageReference
from kfix.incident.redaction import mask
from kfix.infra.clients.boundary import source
from kfix.infra.clients.egress import BaseUrl
from kfix.infra.clients.http import Bounds, open_http
from kfix.infra.clients.oci.credentials import read_credentials
from kfix.infra.clients.oci.registry import NAME, OneRegistry
from kfix.infra.clients.oci.settings import ImageRegistries
from kfix.infra.clients.oci.tokens import KNOWN, Issuer
from kfix.infra.clients.retries import Retries
from kfix.infra.settings import BadSettings
from schemas import errors
from schemas.images import ImageAnswer, NoAnswer

#: Where Docker Hub's registry is.
_ADDRESSES = {"docker.io": "https://registry-1.docker.io"}
#: A registry that wants more patience than this has no answer for this alert.
_RETRIES = Retries(attempts=2, first_wait_s=0.3, longest_wait_s=2.0)
_MAX_BYTES = 4 * 1024 * 1024
_DETAIL = 160


@dataclass(frozen=True, slots=True)
class Registries:
    """Image registries as the settings allow them. Nothing here raises for a registry's sake."""

    settings: ImageRegistries
    credentials: Mapping[str, str] = field(default_factory=dict)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))

    def allowed(self, running: Collection[str]) -> frozenset[str]:
        """The registries that may be asked. ``running``: hosts of images that run in the cluster; what else names a host does not count."""
        if not self.settings.ask:
            return frozenset()
        named = frozenset((*self.settings.hosts, *self.settings.urls))
        return named if self.settings.hosts else named | frozenset(running)

    async def images(
        self,
        wanted: Sequence[ImageReference],
        running: Collection[str],
        before: Mapping[str, ImageAnswer] | None = None,
    ) -> list[ImageAnswer]:
        """An answer to each, in order. ``before``: earlier answers by reference, asked whether they still hold."""
        allowed, earlier = self.allowed(running), before or {}
        by_host: dict[str, list[ImageReference]] = {}
        for one in dict.fromkeys(wanted):
            by_host.setdefault(one.host, []).append(one)
        found = await asyncio.gather(
            *(
                self._of_host(host, images, earlier) if host in allowed else _not_asked(images)
                for host, images in by_host.items()
            )
        )
        told = {answer.reference: answer for answers in found for answer in answers}
        return [told[one.canonical] for one in wanted]

    async def tags(self, wanted: ImageReference, running: Collection[str]) -> list[str]:
        """The tags of an image's repository, as many as the settings say; empty where nobody may or will tell."""
        if wanted.host not in self.allowed(running) or not self.settings.tags:
            return []
        try:
            with source(NAME):
                async with self._opened(wanted.host) as registry:
                    return await registry.tags(wanted, self.settings.tags)
        except (errors.KFixError, ValueError):
            return []

    async def _of_host(
        self, host: str, wanted: Sequence[ImageReference], before: Mapping[str, ImageAnswer]
    ) -> list[ImageAnswer]:
        """One after the other: after the first that says that the registry is not there, the others are not asked."""
        found: list[ImageAnswer] = []
        try:
            async with self._opened(host) as registry:
                for one in wanted:
                    answer = await _one(registry, one, before.get(one.canonical))
                    found.append(answer)
                    if answer.why in ("rate_limited", "unanswered"):
                        break
        except ValueError as failure:  # no host that could be asked
            found.append(_failed(wanted[0], "unreadable", str(failure)))
        left = wanted[len(found) :]
        why, detail = (found[-1].why, found[-1].detail) if found else ("unreadable", "")
        return [*found, *(_failed(one, why, detail) for one in left)]

    @asynccontextmanager
    async def _opened(self, host: str) -> AsyncIterator[OneRegistry]:
        """Raises ValueError for a host that is no address."""
        base = self.settings.urls.get(host) or _ADDRESSES.get(host) or f"https://{host}"
        tokens = self.settings.token_urls.get(host) or KNOWN.get(host)
        configured = host in self.settings.hosts or host in self.settings.urls
        bounds = Bounds(
            timeout_s=self.settings.timeout_s,
            total_s=2 * self.settings.timeout_s,
            max_bytes=_MAX_BYTES,
            retries=_RETRIES,
            ca_file=self.settings.ca_file,
        )
        issuer = Issuer(
            tuple(filter(None, (base, tokens))), bounds, configured, self.credentials.get(host, "")
        )
        async with self._gate, open_http(base, bounds=bounds, private=configured) as http:
            yield OneRegistry(http, issuer)


@asynccontextmanager
async def open_registries(settings: ImageRegistries) -> AsyncIterator[Registries]:
    """Registries as the settings say. Raises BadSettings for addresses or credentials that cannot be."""
    for name in ("urls", "token_urls"):
        for url in getattr(settings, name).values():
            try:
                BaseUrl.parse(url)
            except ValueError as failure:
                raise BadSettings((f"KFIX_IMAGES_{name.upper()}: {failure}",)) from None
    credentials = read_credentials(settings.credentials_file)
    yield Registries(settings, credentials, asyncio.Semaphore(settings.at_once))


async def _one(
    registry: OneRegistry, wanted: ImageReference, before: ImageAnswer | None
) -> ImageAnswer:
    try:
        with source(NAME):
            return await registry.image(wanted, before)
    except errors.RateLimited as failure:
        return _failed(wanted, "rate_limited", str(failure))
    except errors.Retryable as failure:
        read = failure.reason in ("another_answer", "malformed", "not_json", "unforeseen")
        return _failed(wanted, "unreadable" if read else "unanswered", str(failure))
    except errors.KFixError as failure:
        return _failed(wanted, "unreadable", str(failure))


async def _not_asked(wanted: Sequence[ImageReference]) -> list[ImageAnswer]:
    return [_failed(one, "not_asked", "") for one in wanted]


def _failed(wanted: ImageReference, why: NoAnswer, detail: str) -> ImageAnswer:
    flat = " ".join(mask(detail).split())[:_DETAIL]
    return ImageAnswer(reference=wanted.canonical, why=why, detail=flat)
