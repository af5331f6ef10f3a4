"""Moves what other models remembered into today's model's space, from the text that is kept with each vector.

Restartable: what is in the new space already is not made again, and the old vectors go when all of their space has been
looked at. What has no text stays where it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from kfix.infra.memory.index import Remembered, Space, batches
from kfix.infra.memory.opening import OpenedMemory


@dataclass(frozen=True, slots=True)
class Reembedded:
    """How far a space is: ``made`` anew, ``there`` already, ``without_text``; the sum is what was looked at."""

    space: Space
    made: int = 0
    there: int = 0
    without_text: int = 0

    @property
    def seen(self) -> int:
        """Vectors looked at so far."""
        return self.made + self.there + self.without_text


async def reembed(
    memory: OpenedMemory, *, batch: int, keep: bool = False
) -> AsyncIterator[Reembedded]:
    """Each space of another model, told after every ``batch`` (1 to 100) vectors. ``keep``: old vectors stay.

    Raises as embedder and index do; a second call goes on.
    """
    for space in await memory.index.spaces():
        if space.model != memory.embedder.model:
            async for moved in _space(memory, space, batch, keep):
                yield moved


async def _space(
    memory: OpenedMemory, space: Space, batch: int, keep: bool
) -> AsyncIterator[Reembedded]:
    moved, after, settled = Reembedded(space), "", list[str]()
    while True:
        page = await memory.index.page(model=space.model, limit=batch, after=after)
        known = await memory.index.known(
            [item.id for item in page.items], model=memory.embedder.model
        )
        new = [item for item in page.items if item.id not in known and item.text]
        made = await _made(memory, new)
        moved = Reembedded(
            space,
            moved.made + len(made),
            moved.there + len(known),
            moved.without_text + len(page.items) - len(made) - len(known),
        )
        settled += [item.id for item in page.items if item.id in known | made]
        yield moved
        after = page.after
        if not after:
            break
    for ids in batches(() if keep else settled):
        await memory.index.forget(ids, model=space.model)


async def _made(memory: OpenedMemory, items: list[Remembered]) -> set[str]:
    """The ids that have a vector now; a text without words has none."""
    if not items:
        return set()
    made = set()
    vectors = await memory.embedder.embed_all([item.text for item in items])
    for item, vector in zip(items, vectors, strict=True):
        if vector.any():
            await memory.index.upsert(
                id=item.id,
                model=memory.embedder.model,
                vector=vector,
                metadata=item.metadata,
                text=item.text,
            )
            made.add(item.id)
    return made
