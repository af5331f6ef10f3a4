"""What image registries say: does an image exist, and for which platforms. Written by enrich, read by decide and safety."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Model

Existence = Literal["yes", "no", "unknown"]
#: Why there is no answer: ``not_asked``: no registry may be asked; ``denied``: it wants other credentials (401, 403);
#: ``hidden``: it says "not there" to strangers, who may not see all; ``rate_limited``: it wants patience (429);
#: ``unanswered``: it did not answer; ``unreadable``: what it said is no answer, or the reference is none.
NoAnswer = Literal["", "not_asked", "denied", "hidden", "rate_limited", "unanswered", "unreadable"]


class ImageAnswer(Model):
    """What its registry says of one image. With ``exists`` ``unknown`` there is a ``why``, and never otherwise."""

    #: As ``kfix.incident.images.ImageReference.canonical`` writes it: with host, and a tag or a digest.
    reference: str
    exists: Existence = "unknown"
    why: NoAnswer = ""
    #: What stood in the way, for people: masked, shortened.
    detail: str = ""
    #: Of the manifest or index; empty where nobody told.
    digest: str = ""
    #: As ``os/architecture`` or ``os/architecture/variant``; empty where nobody told.
    platforms: tuple[str, ...] = ()
    #: Whether a credential was shown.
    known_there: bool = False


class RegistryAnswers(Model):
    """All that registries were asked for one alert. Empty: nobody was asked."""

    #: Registries that may be asked again for this alert: named in the settings, else those of images that run here.
    hosts: tuple[str, ...] = ()
    images: tuple[ImageAnswer, ...] = ()
    #: By an image that is not there: existing ones of the same repository whose tags look most like its own, the
    #: likeliest first.
    near: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def of(self, canonical: str) -> ImageAnswer:
        """The answer about an image; ``not_asked`` where there is none."""
        found = next((one for one in self.images if one.reference == canonical), None)
        return found or ImageAnswer(reference=canonical, why="not_asked")
