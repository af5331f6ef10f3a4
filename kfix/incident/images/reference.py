"""An image's name taken apart as container runtimes read it. Pure.

Source: github.com/distribution/reference (grammar, ``docker.io`` and ``library`` as defaults); the runtimes take a
reference with a tag and a digest by its digest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?", re.I)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_DOCKER_HUB = "docker.io"
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image. ``tag`` is empty where a digest says more."""

    #: With a port where one is named; ``docker.io`` where nothing is.
    host: str
    #: Path of the repository below the host; ``library/…`` for the short names of Docker Hub.
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """Host and path."""
        return f"{self.host}/{self.path}"

    @property
    def canonical(self) -> str:
        """The same text for all ways to name the same image."""
        return (
            f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"
        )

    @property
    def last_name(self) -> str:
        """The last part of the path: what people call the image."""
        return self.path.rpartition("/")[2]


def parse(text: str) -> ImageReference | None:
    """A reference as a container names it; ``None`` for what no runtime would take."""
    name, _, digest = text.partition("@")
    stem, tag = _split(name)
    if (digest and not _DIGEST.fullmatch(digest)) or (tag is not None and not _TAG.fullmatch(tag)):
        return None
    host, path = _placed(stem)
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or len(stem) > _LONGEST:
        return None
    return ImageReference(host.lower(), path, "" if digest else tag or "latest", digest)


def retagged(text: str, tag: str) -> str:
    """The image as it is written, with another tag and without a digest."""
    return f"{_split(text.partition('@')[0])[0]}:{tag}"


def renamed(text: str, folder: str) -> str:
    """The image's last name and tag in another folder (``host/path``) of a registry."""
    name = text.partition("@")[0].rpartition("/")[2]
    return f"{folder}/{name}" if folder else name


def _split(name: str) -> tuple[str, str | None]:
    """What stands before the tag, and the tag; ``None`` without one. A port before a slash is no tag."""
    stem, colon, tag = name.rpartition(":")
    return (stem, tag) if colon and "/" not in tag else (name, None)


def _placed(stem: str) -> tuple[str, str]:
    first, slash, rest = stem.partition("/")
    named = slash and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )
    host, path = (first, rest) if named else (_DOCKER_HUB, stem)
    if host.lower() in (_DOCKER_HUB, "index.docker.io"):
        return _DOCKER_HUB, path if "/" in path else f"library/{path}"
    return host, path
