"""A secret is found wherever it stands: at any place of a long line, beside other marks, in a line among many."""

from __future__ import annotations

import pytest

from kfix.incident.redaction import mask

VALUE = "k2Ff9xQw7LmZ4tRv8B"
NAMES = (
    *("password", "db_password", "adminpw", "erlangcookie", "connect.sid", "jsessionid", "sid"),
    *("secondary_access_key", "clé_de-chiffrement.production", "shared-access-signature"),
    *("recovery_codes", "instrumentation_key_base", "пароль", "密码", "client_secret", "api-key"),
)
FILLER = "the author of 12 keys passed a signal to pod web-5d9 "


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("before", [0, 1, 3, 40])
def test_a_name_is_read_wherever_in_a_long_line_it_stands(name: str, before: int) -> None:
    # ``sid`` alone is too common to be looked for: only a line with a mark is read for it
    text = f'{FILLER * before}{name}="{VALUE}" password="{VALUE}" {FILLER * 20}'
    masked = mask(text)
    assert VALUE not in masked
    assert masked.startswith(FILLER * before + name)
    assert masked.endswith(FILLER * 20)


@pytest.mark.parametrize("between", [" ", "\n", '","', "\\n", "=", "/"])
def test_tokens_after_one_another_are_each_masked(between: str) -> None:
    token = "ghp_" + "aB3dE6gH9j" * 4
    assert mask(between.join(["x", token, token, token])).count("[masked:") == 3


@pytest.mark.parametrize("at", [0, 1, 250, 499])
def test_a_command_line_is_read_in_whatever_line_of_a_log_it_stands(at: int) -> None:
    lines = [f"12:00:{n % 60:02} step {n} of the job is done - next" for n in range(500)]
    told = list(lines)
    lines[at] = f"+ mysql -h db -u app -p{VALUE} shop"
    told[at] = "+ mysql -h db -u app -p[masked:password] shop"
    assert mask("\n".join(lines)) == "\n".join(told)


def test_a_long_text_that_held_no_secret_is_masked_once_it_holds_one() -> None:
    text = FILLER * 200
    assert mask(text) == text
    assert mask(text) == text
    assert VALUE not in mask(f"{text}password={VALUE}")
    assert mask(text) == text
