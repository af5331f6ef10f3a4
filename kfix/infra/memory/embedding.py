"""Vectors of texts. The offline embedder needs nothing; ``mistral-embed`` is better and needs a key.

Offline: feature hashing of words, word pairs and four-character pieces (Weinberger et al. 2009, "Feature Hashing for
Large Scale Multitask Learning") with sublinear counts, L2-normalised.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kfix.infra.clients import mistral
from kfix.infra.clients.boundary import guarded
from schemas import errors

Vector = NDArray[np.float32]


class Embedder(Protocol):
    """Text to vector. ``model`` names what made a vector; ``threshold`` is the cosine from which texts count as near."""

    model: str
    dimension: int
    threshold: float

    async def embed(self, text: str) -> Vector:
        """A unit vector. Raises errors.Retryable or errors.Permanent when a service fails."""
        ...

    async def embed_all(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text (at most 100), in their order. Raises as ``embed``."""
        ...

    async def close(self) -> None:
        """Closes its client; a second time is allowed."""
        ...


class HashingEmbedder:
    """The offline embedder: deterministic, the same in every process."""

    model = "kfix-hashing-384-v1"
    dimension = 384
    #: See docs/learning.md, "Quality".
    threshold = 0.65

    async def embed(self, text: str) -> Vector:
        """A unit vector, the zero vector for a text without words. Asks nobody."""
        return hashed(text, self.dimension)

    async def embed_all(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text."""
        return [hashed(text, self.dimension) for text in texts]

    async def close(self) -> None:
        """Nothing to close."""


def hashed(text: str, dimension: int) -> Vector:
    """The hashed features of ``text`` as a unit vector; the zero vector for a text without words."""
    vector = features_of(text, dimension)
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm else vector


def features_of(text: str, dimension: int) -> Vector:
    """The hashed features of ``text``, each with the weight of its count."""
    vector = np.zeros(dimension, dtype=np.float32)
    for feature, count in Counter(_features(text)).items():
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
        weight = 1.0 + math.log(count)
        vector[(digest >> 1) % dimension] += weight if digest & 1 else -weight
    return vector


def _features(text: str) -> Iterator[str]:
    for line in text.lower().splitlines():
        words = re.findall(r"[a-z0-9_]+", line)
        yield from (f"w:{word}" for word in words)
        yield from (f"b:{one} {two}" for one, two in pairwise(words))
        yield from (f"c:{word[at : at + 4]}" for word in words for at in range(len(word) - 3))


def unit_vectors(answered: Sequence[Any], count: int, dimension: int, model: str) -> list[Vector]:
    """What a service answered for ``count`` texts, in their order, each of length 1.

    Raises errors.Rejected for another count, another dimension, another order, and for what is no number.
    """
    vectors = [np.asarray(each.embedding or (), dtype=np.float32) for each in answered]
    if len(vectors) != count or any(vector.shape != (dimension,) for vector in vectors):
        raise errors.Rejected(f"{model} answered another shape")
    if any(each.index not in (None, at) for at, each in enumerate(answered)):
        raise errors.Rejected(f"{model} answered in another order")
    if not all(np.isfinite(vector).all() for vector in vectors):
        raise errors.Rejected(f"{model} answered no numbers")
    return [vector / np.float32(np.linalg.norm(vector) or 1.0) for vector in vectors]


@guarded("Mistral")
class MistralEmbedder:
    """``mistral-embed`` through the official client."""

    model = "mistral-embed"
    dimension = 1024
    #: The mission's threshold; cosines of this model lie high.
    threshold = 0.8

    def __init__(self, *, api_key: str, url: str, timeout_s: float) -> None:
        self._api_key = api_key
        self._url = url
        self._timeout_s = timeout_s
        self._client: Any = None

    async def embed(self, text: str) -> Vector:
        """A unit vector. Raises errors.Rejected for an answer of another shape or without numbers, else from ``schemas.errors``."""
        return (await self.embed_all([text]))[0]

    async def embed_all(self, texts: Sequence[str]) -> list[Vector]:
        """A unit vector for each text, in one call. Raises as ``embed``."""
        answer = await mistral.typed(
            self._connect().embeddings.create_async(model=self.model, inputs=list(texts))
        )
        return unit_vectors(answer.data, len(texts), self.dimension, self.model)

    def _connect(self) -> Any:
        if self._client is None:
            self._client = mistral.connect(
                api_key=self._api_key, url=self._url, timeout_s=self._timeout_s
            )
        return self._client

    async def close(self) -> None:
        """Closes the client; the next call connects anew."""
        if self._client is not None:
            client, self._client = self._client, None
            await mistral.close(client)
