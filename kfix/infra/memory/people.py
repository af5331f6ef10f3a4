"""Takes a person out of the vector memory: what names or quotes them is made anew without that."""

from __future__ import annotations

from collections.abc import Callable

from kfix.infra.memory.index import Metadata, Remembered
from kfix.infra.memory.opening import OpenedMemory

_PAGE = 100


async def erase(memory: OpenedMemory, without: Callable[[str], str], *, act: bool) -> int:
    """How many vectors have a text that ``without`` changes. With ``act`` those of the model in use are made anew from
    the changed text, and those of other models are deleted. Raises as embedder and index do.
    """
    found = 0
    for space in await memory.index.spaces():
        naming: list[Remembered] = []
        after = ""
        while True:
            page = await memory.index.page(model=space.model, limit=_PAGE, after=after)
            naming += [item for item in page.items if _changed(item, without)]
            after = page.after
            if not after:
                break
        found += len(naming)
        for item in naming if act else ():
            if space.model == memory.embedder.model and item.text:
                await memory.remember(item.id, without(item.text), _clean(item.metadata, without))
            else:
                await memory.index.forget([item.id], model=space.model)
    return found


def _changed(item: Remembered, without: Callable[[str], str]) -> bool:
    return without(item.text) != item.text or _clean(item.metadata, without) != item.metadata


def _clean(metadata: Metadata, without: Callable[[str], str]) -> Metadata:
    return {k: without(v) if isinstance(v, str) else v for k, v in metadata.items()}
