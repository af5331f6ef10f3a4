"""Forgets vectors of incidents that ended long ago, in whatever store they are."""

from __future__ import annotations

from datetime import UTC, datetime

from kfix.infra.memory.index import Remembered, VectorIndex, batches

_PAGE = 100


async def old_vectors(index: VectorIndex, before: datetime, *, forget: bool) -> int:
    """How many vectors are of an incident that ended before then, of every model; ``forget``: they go.

    One that does not say when (metadata ``at``) stays. Raises as the index does.
    """
    found = 0
    for space in await index.spaces():
        old: list[str] = []
        after = ""
        while True:
            page = await index.page(model=space.model, limit=_PAGE, after=after)
            old += [item.id for item in page.items if _ended(item) < before]
            after = page.after
            if not after:
                break
        found += len(old)
        for ids in batches(old if forget else ()):
            await index.forget(ids, model=space.model)
    return found


def _ended(item: Remembered) -> datetime:
    try:
        at = datetime.fromisoformat(str(item.metadata.get("at", "")))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
