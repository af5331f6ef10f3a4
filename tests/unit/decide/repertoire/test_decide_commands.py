"""A command that cannot be run, where no good revision tells which one could."""

from __future__ import annotations

import pytest

from decide.core.families.startup.programs import KNOWN
from decide.core.names import meant, slips
from tests.support.decide.repaired import cause, proposed

MAIN = ":containers[name=main]"


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("wge", "wget"),
        ("pyton3", "python3"),
        ("ndoe", "node"),
        ("gunicron", "gunicorn"),
        ("crul", "curl"),
    ],
)
def test_a_slip_of_a_known_program_is_that_program(word: str, right: str) -> None:
    assert meant(word, KNOWN) == right


@pytest.mark.parametrize("word", ["wget", "bash", "xy", "ledgerd", "bsh", "startserver"])
def test_a_known_program_a_strange_one_and_one_between_two_are_none(word: str) -> None:
    assert meant(word, KNOWN) == ""


def test_letters_that_changed_places_are_one_slip() -> None:
    assert (slips("node", "ndoe"), slips("node", "node"), slips("node", "nd")) == (1, 0, 2)


def test_the_misspelt_program_is_exchanged_in_its_own_folder() -> None:
    assert proposed("bad_command/slip of a known program") == [
        {f"{MAIN}.command[0]": "/usr/bin/python3"}
    ]


def test_in_a_shells_line_the_word_is_exchanged_where_it_is_one() -> None:
    assert proposed("bad_command/slip in a shell's line") == [
        {f"{MAIN}.args[0]": "wget -q -O /tmp/x http://store/x && exec serve --wge=1"}
    ]


def test_a_program_of_ones_own_is_what_a_sibling_of_the_same_image_runs() -> None:
    assert proposed("bad_command/slip of a sibling's program") == [
        {f"{MAIN}.command[0]": "/opt/ledger/bin/ledgerd"}
    ]


def test_an_override_that_is_younger_than_the_trouble_goes_and_the_image_runs_its_own() -> None:
    assert proposed("bad_command/the image has its own") == [
        {f"{MAIN}.command": None, f"{MAIN}.args": None}
    ]


def test_with_another_image_its_words_do_not_go_back_alone() -> None:
    (back,) = proposed("bad_command/another image and its words")
    assert set(back) == {f"{MAIN}.command", f"{MAIN}.image"}


@pytest.mark.parametrize(
    "fault",
    [
        "a known program that the image lacks",
        "a word between two programs",
        "a mounted script that may be executed",
    ],
)
def test_what_nobody_can_tell_is_for_people(fault: str) -> None:
    assert cause(f"bad_command/{fault}") == "bad_command, no_safe_plan"


def test_a_mounted_script_gets_its_mode_or_its_interpreter() -> None:
    assert proposed("bad_command/a mounted script without its mode") == [
        {":volumes[name=hooks].configMap.defaultMode": 0o755},
        {f"{MAIN}.command": ["/bin/sh", "/hooks/run.sh"]},
    ]
