"""Commands that ask the broker end with one line and the exit code of their own, whatever it refuses."""

from __future__ import annotations

import pytest
import typer
from aiokafka.errors import ClusterAuthorizationFailedError

from kfix.cli.kafka import run
from schemas import errors
from tests.support.logs import logs_as_they_were


@pytest.mark.parametrize(
    "failure", [errors.Unavailable("no broker"), ClusterAuthorizationFailedError("not allowed")]
)
def test_a_refusal_is_a_line(failure: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        raise failure

    with logs_as_they_were(), pytest.raises(typer.Exit) as ended:
        run(work(), failed=2)
    assert ended.value.exit_code == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("kfix: ")
