"""Image registries as safety sees them: is what is about to be published still there?"""

from __future__ import annotations

from collections.abc import Sequence

from kfix.incident.images import parse
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.oci import Registries
from schemas.images import ImageAnswer, RegistryAnswers


@guarded("the image registry")
class PresentImages:
    """``safety.ports.ImagePresence`` on the OCI distribution API."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries

    async def images(
        self, references: Sequence[str], before: RegistryAnswers
    ) -> Sequence[ImageAnswer]:
        """An answer to each image that is a reference."""
        asked = [found for text in references if (found := parse(text)) is not None]
        earlier = {answer.reference: answer for answer in before.images}
        return await self._registries.images(asked, before.hosts, earlier)
