"""Image registries as enrich sees them: what is there of an image that does not come, and what looks like it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from enrich.core.images import ImageQuestion
from kfix.incident.images import ImageReference, nearest
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.oci import Registries
from schemas.images import ImageAnswer, RegistryAnswers

#: Nearest tags that are asked about, of each image that is not there.
_NEAR = 3


@guarded("the image registry")
class ImagesInRegistries:
    """``enrich.ports.ImageLookup`` on the OCI distribution API. ``most``: images asked about for one alert."""

    def __init__(self, registries: Registries, *, most: int) -> None:
        self._registries = registries
        self._most = most

    def allowed(self, running: Collection[str]) -> tuple[str, ...]:
        """As the settings say. Asks nobody."""
        return tuple(sorted(self._registries.allowed(running)))

    async def answers(self, question: ImageQuestion) -> RegistryAnswers:
        """An answer to each image, as far as its registry may be asked; and the nearest tags of those that are not there."""
        asked = (*question.wanted, *question.relatives)[: self._most]
        found = await self._registries.images(asked, question.running)
        gone = [
            one
            for one, answer in zip(asked, found, strict=True)
            if one in question.wanted and answer.exists == "no" and one.tag
        ]
        near = {one: await self._near(one, question) for one in gone}
        more = [one for images in near.values() for one in images if one not in asked]
        found += await self._registries.images(more, question.running)
        return RegistryAnswers(
            hosts=self.allowed(question.running),
            images=tuple(found),
            near={
                one.canonical: tuple(i.canonical for i in images if _there(i, found))
                for one, images in near.items()
            },
        )

    async def _near(self, wanted: ImageReference, question: ImageQuestion) -> list[ImageReference]:
        tags = await self._registries.tags(wanted, question.running)
        return [
            ImageReference(wanted.host, wanted.path, tag)
            for tag in nearest(wanted.tag, tags, _NEAR)
        ]


def _there(image: ImageReference, found: Sequence[ImageAnswer]) -> bool:
    return any(one.reference == image.canonical and one.exists == "yes" for one in found)
