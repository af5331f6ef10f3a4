"""Programs that are not there, or do not behave: nothing is rendered, and the reason is said. Programs are scripts here."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kfix.infra.clients.renderers import Programs, Rendering, installed
from manifests.repository.rendering import HelmTemplate, KustomizeBuild, NotRendered

FILES = {"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": "kind: A\n"}
BUILD = KustomizeBuild("app")


def script(folder: Path, body: str) -> str:
    file = folder / "kustomize"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def render(program: str, **bounds: float) -> str:
    given = {"timeout_s": 5.0, **bounds}
    with Programs(program, "", **given).open(FILES) as bench:  # type: ignore[arg-type]
        return bench.render(BUILD)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo Error: no such thing >&2; exit 1", "no such thing"),
        ("exit 3", "no reason given"),
        ("sleep 60", "longer than"),
        ("exec yes", "larger than|reason"),
    ],
)
def test_a_program_that_fails_hangs_or_floods_renders_nothing(
    tmp_path: Path, body: str, words: str
) -> None:
    with pytest.raises(NotRendered, match=words):
        # PATH is empty for the program, so a script names nothing but the shell's own words.
        render(script(tmp_path, f"PATH=/usr/bin:/bin; {body}"), timeout_s=1.5, output_bytes=100_000)


def test_a_program_that_vanished_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(NotRendered, match="cannot run"):
        render(str(tmp_path / "gone"))


def test_a_program_gets_the_files_and_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_TEST_SECRET", "hunter2")
    text = render(script(tmp_path, 'PATH=/usr/bin:/bin; env; cat "$2/a.yaml"; pwd'))
    assert "kind: A" in text
    assert "hunter2" not in text
    assert str(Path.cwd()) not in text
    assert "HTTPS_PROXY=http://127.0.0.1:9" in text


def test_the_copy_is_gone_afterwards_and_was_nobody_elses(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    render(
        script(tmp_path, f'PATH=/usr/bin:/bin; echo "$2" > {seen}; stat -c %a "$2/../.." >> {seen}')
    )
    folder, mode = seen.read_text().split()
    assert mode == "700"
    assert not Path(folder).exists()


def test_too_many_bytes_are_not_copied(tmp_path: Path) -> None:
    with pytest.raises(NotRendered, match="too large"):
        render(script(tmp_path, "exit 0"), files_bytes=10)


def test_unsafe_names_of_files_stay_out_of_the_copy(tmp_path: Path) -> None:
    program = script(tmp_path, "PATH=/usr/bin:/bin; find $2/..")
    odd = FILES | {"../up.yaml": "a: 1\n", "app/.git/hooks/x": "a\n", "/etc/x.yaml": "a: 1\n"}
    with Programs(program, "").open(odd) as bench:
        listed = bench.render(BUILD)
    assert "a.yaml" in listed
    assert not any(word in listed for word in ("up.yaml", "hooks", "x.yaml"))


def test_a_chart_outside_of_the_repository_is_not_rendered(tmp_path: Path) -> None:
    with Programs("", script(tmp_path, "exit 0")).open(FILES) as bench:
        for recipe in (HelmTemplate("../x", "r"), HelmTemplate("app", "r", "", ("/etc/passwd",))):
            with pytest.raises(NotRendered):
                bench.render(recipe)


@pytest.mark.parametrize(
    "word", ["--post-renderer=/bin/sh", "-h", "a b", "", "A", "a\n", "$(id)", "a" * 300]
)
def test_nothing_that_could_be_an_option_is_a_name(tmp_path: Path, word: str) -> None:
    ran = tmp_path / "ran"
    files = {"c/Chart.yaml": "name: c\n"}
    with Programs("", script(tmp_path, f"PATH=/bin; echo > {ran}")).open(files) as bench:
        for recipe in (HelmTemplate("c", word), HelmTemplate("c", "c", word or "-")):
            with pytest.raises(NotRendered, match="not a name"):
                bench.render(recipe)
    assert not ran.exists()


def test_settings_choose_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = script(tmp_path, "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = installed(Rendering(helm=program))
    assert (found.kustomize, found.helm) == (program, program)
    assert installed(Rendering(kustomize="none", helm="none")).kustomize == ""
    assert installed(Rendering(kustomize=str(tmp_path / "gone"))).kustomize == ""


def test_a_rendering_of_the_same_files_starts_no_program_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    programs = Programs(script(tmp_path, f"echo run >> {runs}; echo kind: A"), "")
    for files in (FILES, dict(FILES), FILES | {"app/a.yaml": "kind: B\n"}):
        with programs.open(files) as bench:
            assert bench.render(BUILD) == bench.render(BUILD) == "kind: A\n"
            bench.render(BUILD, {"app/a.yaml": "kind: C\n"})
    # Two contents of the repository, and the one that the change makes of both.
    assert len(runs.read_text().splitlines()) == 3


def test_only_what_is_read_is_copied_and_what_was_changed_is_put_back(tmp_path: Path) -> None:
    files = FILES | {"other/b.yaml": "kind: B\n", "app/more/c.yaml": "kind: C\n"}
    program = script(tmp_path, 'PATH=/usr/bin:/bin; cd "$2/.."; cat app/a.yaml; find . -type f')
    with Programs(program, "").open(files) as bench:
        assert "kind: Z" in bench.render(BUILD, {"app/a.yaml": "kind: Z\n"})
        text = bench.render(BUILD)
    assert "kind: A" in text
    assert "app/more/c.yaml" in text
    assert "other/b.yaml" not in text


@pytest.mark.parametrize(
    ("commit", "runs"),
    [
        ({"other/b.yaml": "kind: C\n"}, 1),
        ({"app/a.yaml": "kind: C\n"}, 2),
        ({"app/kustomization.yaml": "resources: [a.yaml]\n# seen\n"}, 2),
        ({"app/c.yaml": "kind: C\n"}, 2),
    ],
)
def test_only_a_commit_to_what_a_rendering_reads_makes_it_anew(
    tmp_path: Path, commit: dict[str, str], runs: int
) -> None:
    counted = tmp_path / "runs"
    programs = Programs(script(tmp_path, f'echo run >> {counted}; echo "kind: A"'), "")
    files = {**FILES, "other/b.yaml": "kind: B\n"}
    for one in (files, files, {**files, **commit}):
        with programs.open(one) as bench:
            assert bench.render(BUILD) == "kind: A\n"
    assert len(counted.read_text().splitlines()) == runs


def test_a_changed_file_counts_where_the_rendering_reads_it(tmp_path: Path) -> None:
    program = script(tmp_path, 'PATH=/usr/bin:/bin; cat "$2/a.yaml"')
    with Programs(program, "").open({**FILES, "b.yaml": "kind: B\n"}) as bench:
        assert bench.render(BUILD) == "kind: A\n"
        assert bench.render(BUILD, {"app/a.yaml": "kind: C\n"}) == "kind: C\n"
        assert bench.render(BUILD, {"b.yaml": "kind: C\n"}) == "kind: A\n"
        assert bench.render(BUILD) == "kind: A\n"


def test_what_is_missing_is_said_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    nothing = installed(Rendering())
    assert nothing.missing == ("kustomize", "helm")
    assert [line.partition(" ")[0] for line in nothing.lacking()] == ["kustomize", "helm"]
    assert "kfix[render]" in nothing.lacking()[0]
    assert installed(Rendering(kustomize="none", helm="none")).lacking() == []
    script(tmp_path, "exit 0")
    assert installed(Rendering()).missing == ("helm",)


def test_kubectl_stands_in_where_kustomize_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Path(script(tmp_path, 'echo "kind: $1"')).rename(tmp_path / "kubectl")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    assert installed(Rendering()).kustomize == str(program)
    assert render(str(program)) == "kind: kustomize\n"
    script(tmp_path, "exit 0")
    assert installed(Rendering()).kustomize == str(tmp_path / "kustomize")
