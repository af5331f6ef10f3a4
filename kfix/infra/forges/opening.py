"""Opens the forge that the settings name. Each forge is a folder here; its module ``opening`` is all that this one knows."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, cast

from kfix.incident.forge.port import Forge
from kfix.infra.forges import FORGES
from schemas import errors


class ForgeModule(Protocol):
    """A forge's module ``opening``."""

    #: What people call it.
    NAME: str

    def configured(self) -> bool:
        """Do the settings name one?"""
        ...

    def opened(self) -> AbstractAsyncContextManager[Forge]:
        """The forge, closed again at the end."""
        ...


def kinds() -> list[ForgeModule]:
    """All forges that K-Fix knows. Imported when asked for: a client takes seconds to import."""
    modules = (importlib.import_module(f"kfix.infra.forges.{name}.opening") for name in FORGES)
    return [cast(ForgeModule, module) for module in modules]


def names() -> str:
    """What people may configure, as they call it."""
    return " or ".join(kind.NAME for kind in kinds())


@asynccontextmanager
async def open_forge() -> AsyncIterator[Forge | None]:
    """The configured forge, ``None`` without one. Raises errors.Rejected (``two_forges``) where the settings name two."""
    configured = [kind for kind in kinds() if kind.configured()]
    if not configured:
        yield None
        return
    if len(configured) > 1:
        both = " and ".join(kind.NAME for kind in configured)
        raise errors.Rejected(f"{both} are configured: one forge at a time", reason="two_forges")
    async with configured[0].opened() as forge:
        yield forge
