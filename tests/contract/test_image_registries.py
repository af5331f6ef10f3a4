"""What registries answer to the client: the sandbox's and CNCF Distribution's own, asked the same; then bad days.

The sandbox's registry has what the real one is not set up for: doors, lies, patience.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kfix.incident.images import ImageReference, parse
from kfix.infra.clients.oci import ImageRegistries, Registries, open_registries
from kfix.infra.settings import BadSettings
from sandbox.faults import Fault, Faults
from sandbox.registry import ImageRegistry, create_app
from sandbox.serving import reply, serve, serve_in_thread
from schemas.images import ImageAnswer
from tools.realparts import image_registry
from tools.realparts.programs import Unbuildable

HOST = "images.corp.example"
REPOSITORY = "shop/web"
TWO = ("linux/amd64", "linux/arm64/v8")


class Pushing(Protocol):
    """A registry that a test can fill."""

    def push(self, repository: str, tag: str, platforms: tuple[str, ...]) -> str: ...


def reference(tag: str = "1.0", repository: str = REPOSITORY, host: str = HOST) -> ImageReference:
    found = parse(f"{host}/{repository}:{tag}")
    assert found is not None
    return found


@asynccontextmanager
async def registries(url: str, **settings: Any) -> AsyncIterator[Registries]:
    asked = ImageRegistries(urls={HOST: url}, timeout_s=2.0, **settings)
    async with open_registries(asked) as opened:
        yield opened


async def answer(url: str, wanted: ImageReference, **settings: Any) -> ImageAnswer:
    async with registries(url, **settings) as opened:
        (found,) = await opened.images([wanted], ())
    return found


@pytest.fixture(scope="module", params=["sandbox", pytest.param("real", marks=pytest.mark.images)])
def filled(request: pytest.FixtureRequest) -> Iterator[tuple[str, Pushing]]:
    """An address, and what is behind it."""
    if request.param == "sandbox":
        behind = ImageRegistry()
        with serve_in_thread(create_app(behind)) as url:
            yield url, behind
        return
    try:
        image_registry.program()
    except Unbuildable as why:
        pytest.skip(str(why))
    with image_registry.running() as real:
        yield real.url, real


async def test_an_index_is_there_for_its_platforms(filled: tuple[str, Pushing]) -> None:
    url, behind = filled
    digest = behind.push(REPOSITORY, "1.0", TWO)
    found = await answer(url, reference())
    assert (found.exists, found.why, found.digest, found.platforms) == ("yes", "", digest, TWO)


async def test_one_image_tells_its_platform_in_its_configuration(
    filled: tuple[str, Pushing],
) -> None:
    url, behind = filled
    behind.push(REPOSITORY, "arm", ("linux/arm64",))
    assert (await answer(url, reference("arm"))).platforms == ("linux/arm64",)


async def test_a_digest_is_asked_for_as_such(filled: tuple[str, Pushing]) -> None:
    url, behind = filled
    digest = behind.push(REPOSITORY, "1.1", TWO)
    known = ImageReference(HOST, REPOSITORY, digest=digest)
    assert (await answer(url, known)).exists == "yes"
    gone = ImageReference(HOST, REPOSITORY, digest=f"sha256:{'0' * 64}")
    assert (await answer(url, gone)).exists == "no"


async def test_a_tag_that_is_not_there_is_not_there(filled: tuple[str, Pushing]) -> None:
    url, behind = filled
    behind.push(REPOSITORY, "1.0", TWO)
    found = await answer(url, reference("9.9"))
    assert (found.exists, found.why, found.detail) == ("no", "", "HTTP 404 MANIFEST_UNKNOWN")


async def test_all_pages_of_the_tags_are_read_up_to_a_bound(filled: tuple[str, Pushing]) -> None:
    url, behind = filled
    named = [f"2.{n}" for n in range(12)]
    for tag in named:
        behind.push("shop/many", tag, ("linux/amd64",))
    async with registries(url, tags=600) as opened:
        assert sorted(await opened.tags(reference(repository="shop/many"), ())) == sorted(named)
    async with registries(url, tags=5) as opened:
        assert await opened.tags(reference(repository="shop/many"), ()) == sorted(named)[:5]
    async with registries(url) as opened:
        assert await opened.tags(reference(repository="shop/none"), ()) == []


async def test_what_was_there_is_still_there_or_another_one(filled: tuple[str, Pushing]) -> None:
    url, behind = filled
    behind.push(REPOSITORY, "moving", ("linux/amd64",))
    before = await answer(url, reference("moving"))
    async with registries(url) as opened:
        (same,) = await opened.images([reference("moving")], (), {before.reference: before})
        assert same is before
        digest = behind.push(REPOSITORY, "moving", TWO)
        (moved,) = await opened.images([reference("moving")], (), {before.reference: before})
    assert (moved.digest, moved.platforms) == (digest, TWO)


@asynccontextmanager
async def sandbox(
    faults: Faults | None = None, **door: Any
) -> AsyncIterator[tuple[str, ImageRegistry]]:
    behind = ImageRegistry(**door)
    behind.push(REPOSITORY, "1.0", TWO)
    async with serve(create_app(behind, faults)) as url:
        yield url, behind


def credentials(folder: Path, password: str, host: str = HOST) -> str:
    file = folder / "config.json"
    pair = base64.b64encode(f"reader:{password}".encode()).decode()
    file.write_text(json.dumps({"auths": {host: {"auth": pair}}}), "utf-8")
    return str(file)


@pytest.mark.parametrize("door", ["token", "basic"])
async def test_a_closed_door_opens_to_the_credential_and_not_to_a_wrong_one(
    door: str, tmp_path: Path
) -> None:
    async with sandbox(door=door, private={REPOSITORY}) as (url, behind):
        right = credentials(tmp_path, behind.password)
        found = await answer(url, reference(), credentials_file=right)
        assert (found.exists, found.known_there) == ("yes", True)
        wrong = credentials(tmp_path, "guess")
        refused = await answer(url, reference(), credentials_file=wrong)
        assert (refused.exists, refused.why, refused.known_there) == ("unknown", "denied", True)
        stranger = await answer(url, reference())
        assert (stranger.why, stranger.known_there) == ("denied", False)


async def test_strangers_get_a_token_of_their_own_where_one_is_wanted() -> None:
    faults = Faults()
    async with sandbox(faults, door="token") as (url, _), registries(url) as opened:
        found = await opened.images([reference(), reference("2.0")], ())
    assert [one.exists for one in found] == ["yes", "no"]
    assert faults.count("registry", route="^/token$") == 1  # one scope, one token


async def test_a_token_service_that_nobody_named_gets_no_request_and_no_credential(
    tmp_path: Path,
) -> None:
    asked: list[str] = []

    async def token(request: Request) -> Response:
        asked.append(request.headers.get("authorization", ""))
        return reply({"token": "for-anybody"})

    async with (
        serve(Starlette(routes=[Route("/token", token)])) as elsewhere,
        sandbox(door="token", realm=f"{elsewhere}/token") as (url, behind),
    ):
        file = credentials(tmp_path, behind.password)
        found = await answer(url, reference(), credentials_file=file)
        assert (found.exists, found.why) == ("unknown", "unreadable")
        assert asked == []
        named = await answer(url, reference(), token_urls={HOST: elsewhere})
        assert (named.exists, asked) == ("yes", [""])


async def test_a_name_that_strangers_do_not_see_may_be_there() -> None:
    async def hidden(request: Request) -> Response:
        return reply({"errors": [{"code": "NAME_UNKNOWN"}]}, 404)

    async with serve(Starlette(routes=[Route("/{all:path}", hidden)])) as url:
        found = await answer(url, reference())
    assert (found.exists, found.why) == ("unknown", "hidden")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("registry", "rate_limited", seconds=600), "rate_limited"),
        (Fault("registry", "error", status=503), "unanswered"),
        (Fault("registry", "down"), "unanswered"),
        (Fault("registry", "slow", seconds=5), "unanswered"),
        (Fault("registry", "malformed"), "unreadable"),
    ],
)
async def test_a_bad_day_of_the_registry_is_an_answer_with_its_reason(
    fault: Fault, why: str
) -> None:
    faults = Faults()
    async with sandbox(faults) as (url, _):
        faults.switch_on(fault)
        async with registries(url) as opened:
            found = await opened.images([reference(), reference("2.0")], ())
            assert await opened.tags(reference(), ()) == []
    assert {one.why for one in found} == {why}
    assert {one.exists for one in found} == {"unknown"}


async def test_a_short_wait_that_the_registry_asks_for_is_waited() -> None:
    faults = Faults()
    async with sandbox(faults) as (url, _):
        faults.switch_on(Fault("registry", "rate_limited", seconds=1, times=1))
        assert (await answer(url, reference())).exists == "yes"


async def test_a_registry_that_does_not_answer_is_asked_no_further() -> None:
    faults = Faults()
    async with sandbox(faults) as (url, _):
        faults.switch_on(Fault("registry", "rate_limited", seconds=600))
        async with registries(url) as opened:
            await opened.images([reference(str(n)) for n in range(9)], ())
    assert faults.count("registry") == 1


async def test_nobody_is_followed_to_another_address() -> None:
    async with sandbox() as (other, _):

        async def moved(request: Request) -> Response:
            return RedirectResponse(f"{other}{request.url.path}")

        async with serve(Starlette(routes=[Route("/{all:path}", moved)])) as url:
            found = await answer(url, reference())
    assert (found.exists, found.why) == ("unknown", "unreadable")


async def test_bytes_that_are_not_those_of_the_digest_are_no_answer() -> None:
    async def lie(request: Request) -> Response:
        return reply({"manifests": []}, 200, {"docker-content-digest": f"sha256:{'1' * 64}"})

    async with serve(Starlette(routes=[Route("/{all:path}", lie)])) as url:
        found = await answer(url, reference())
    assert (found.exists, found.why) == ("unknown", "unreadable")


async def test_only_registries_that_are_named_or_run_here_are_asked() -> None:
    faults = Faults()
    async with sandbox(faults) as (url, _):
        async with registries(url) as opened:
            assert opened.allowed({"ghcr.io"}) == {HOST, "ghcr.io"}
            (stranger,) = await opened.images([reference(host="evil.example")], {"ghcr.io"})
        async with registries(url, hosts=("docker.io",)) as opened:
            assert opened.allowed({"ghcr.io"}) == {HOST, "docker.io"}
        async with registries(url, ask=False) as opened:
            assert opened.allowed({"ghcr.io"}) == frozenset()
            (silent,) = await opened.images([reference()], ())
    assert stranger.why == silent.why == "not_asked"
    assert faults.count("registry") == 0


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}"])
async def test_an_address_of_this_network_is_not_asked_unless_settings_name_it(host: str) -> None:
    faults = Faults()
    async with sandbox(faults) as (url, _):
        local = host.format(port=url.rpartition(":")[2])
        asked = ImageRegistries(timeout_s=1.0)
        async with open_registries(asked) as opened:
            (found,) = await opened.images([reference(host=local)], {local})
    assert (found.exists, found.why) == ("unknown", "unreadable")
    assert faults.count("registry") == 0


@pytest.mark.parametrize(
    "text", ["", "[]", '{"auths": {"a": {"auth": "%%%"}}}', '{"auths": {"a": {"auth": "eA=="}}}']
)
async def test_a_file_of_credentials_that_is_none_stops_the_start(
    text: str, tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text(text, "utf-8")
    with pytest.raises(BadSettings, match="KFIX_IMAGES_CREDENTIALS_FILE"):
        async with open_registries(ImageRegistries(credentials_file=str(file))):
            pass


async def test_docker_hub_is_known_by_the_name_that_its_login_writes(tmp_path: Path) -> None:
    file = credentials(tmp_path, "x", host="https://index.docker.io/v1/")
    async with open_registries(ImageRegistries(credentials_file=file)) as opened:
        assert list(opened.credentials) == ["docker.io"]


@pytest.mark.parametrize("name", ["urls", "token_urls"])
async def test_an_address_that_is_none_stops_the_start(name: str) -> None:
    settings = ImageRegistries.model_validate({name: {HOST: "ftp://a"}})
    with pytest.raises(BadSettings, match=f"KFIX_IMAGES_{name.upper()}"):
        async with open_registries(settings):
            pass
