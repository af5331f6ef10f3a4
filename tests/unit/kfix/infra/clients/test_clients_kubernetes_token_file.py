"""A token that stands in a file: as the file has it, looked at again each minute, and never without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes.aio.client import Configuration

from kfix.infra.clients.kubernetes.configuration import TokenInFile, read_configuration
from kfix.infra.settings import KubernetesConnection
from schemas import errors


async def sent(configuration: Configuration) -> str | None:
    settings = await configuration.auth_settings()
    return settings["BearerToken"]["value"] if "BearerToken" in settings else None


async def test_a_token_that_was_replaced_is_sent_after_a_minute(tmp_path: Path) -> None:
    file, now = tmp_path / "token", [0.0]
    file.write_text("first\n")
    configuration = Configuration()
    keep = TokenInFile(str(file), clock=lambda: now[0])
    keep(configuration)
    configuration.refresh_api_key_hook = keep  # type: ignore[assignment]
    file.write_text("second")
    now[0] = 59.0
    assert await sent(configuration) == "Bearer first"
    now[0] = 60.0
    assert await sent(configuration) == "Bearer second"


async def test_it_goes_before_a_token_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("of-the-file")
    settings = KubernetesConnection(url="https://a", token="of-the-settings", token_file=str(file))
    assert await sent(await read_configuration(settings)) == "Bearer of-the-file"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"a\nb", b"\xff\xfe"])
async def test_a_file_without_a_token_is_an_error_that_does_not_show_it(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(errors.Unauthorized) as failure:
        await read_configuration(KubernetesConnection(url="https://a", token_file=str(file)))
    assert failure.value.reason == "bad_configuration"
