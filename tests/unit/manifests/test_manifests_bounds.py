"""The small parts by their laws: quantities, paths, changes, diffs read both ways, commands of scripts, settings on top."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import NotEditable, amend, patch
from manifests.helm.layers import Layer, merged
from manifests.helm.value_paths import ABSENT, candidates, laid, tag_of, walk
from manifests.objects import changes, paths, quantities, shapes
from manifests.repository.installers import commands, settings
from manifests.text import diffs, plan_edits, read
from manifests.text.editor import Replace
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

REF = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")

# --- quantities


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("500m", "0.5"), ("1u", "0.000001"), ("1n", "0.000000001"), ("1k", 1000), ("1M", 10**6), ("1G", 10**9),
        ("1T", 10**12), ("1P", 10**15), ("1E", 10**18), ("1Ki", 1024), ("1Mi", 2**20), ("1Gi", 2**30), ("1Ti", 2**40),
        ("1Pi", 2**50), ("1Ei", 2**60), ("1e3", 1000), ("1E3", 1000), ("1e-3", "0.001"), ("-2", -2), ("+2", 2), (".5", "0.5"),
        ("1.", 1), (" 5 ", 5), (5, 5), (0.5, "0.5"),
    ],
)  # fmt: skip
def test_a_quantity_is_exact(text: Any, value: Any) -> None:
    assert quantities.parse(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1gi", "1mi", "--1", "1e", "m", "1.2.3", True])
def test_what_is_no_quantity_is_refused(text: Any) -> None:
    with pytest.raises(quantities.BadQuantity):
        quantities.parse(text)


@given(st.integers(0, 10**7))
def test_a_written_amount_is_the_least_that_is_enough(amount: int) -> None:
    cores, size = Decimal(amount) / 7000, Decimal(amount) * 3001
    written = quantities.parse(quantities.format_cpu(cores))
    assert Decimal(0) <= written - cores < Decimal("0.001")
    written = quantities.parse(quantities.format_memory(size))
    assert 0 <= written - size < 2**20


@pytest.mark.parametrize(
    ("mib", "text"), [(0, "0Mi"), (1, "1Mi"), (1023, "1023Mi"), (1024, "1Gi"), (1025, "1025Mi"), (4096, "4Gi")]
)  # fmt: skip
def test_whole_gibibytes_are_written_so(mib: int, text: str) -> None:
    assert quantities.format_memory(mib * 2**20) == text


@pytest.mark.parametrize(
    ("milli", "text"), [(0, "0"), (1, "1m"), (999, "999m"), (1000, "1"), (1500, "1500m")]
)
def test_whole_cores_are_written_so(milli: int, text: str) -> None:
    assert quantities.format_cpu(Decimal(milli) / 1000) == text


# --- shapes and changes


@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, {"a": 1}, {"a": [1]}, {"a": {"b": 2}}])
def test_what_is_not_as_it_should_be_is_as_good_as_not_there(odd: Any) -> None:
    assert shapes.mapping(odd, "a", "b") == {}
    assert shapes.items(odd, "a", "b") == []
    assert shapes.mappings(odd, "a", "b") == []
    assert shapes.text(odd, "b") == ""


def test_parts_of_objects_are_found_along_their_keys() -> None:
    item = {"a": {"b": {"c": [1, {"d": 2}], "e": 3, "f": True}}}
    assert shapes.mapping(item, "a", "b") == item["a"]["b"]
    assert shapes.items(item, "a", "b", "c") == [1, {"d": 2}]
    assert shapes.mappings(item, "a", "b", "c") == [{"d": 2}]
    assert shapes.text(item, "a", "b", "e") == "3"


@pytest.mark.parametrize(("action", "back"), [("create", "delete"), ("delete", "create")])
def test_what_takes_an_object_back_is_the_other_action(action: Any, back: str) -> None:
    change = KubernetesChange(object=REF, action=action, manifest={"kind": "Deployment"})
    inverse = changes.invert(change)
    assert (inverse.action, inverse.object) == (back, REF)


def test_without_the_object_each_field_is_swapped_and_the_last_goes_first() -> None:
    made = KubernetesChange(
        object=REF,
        fields=(
            FieldChange(op="add", path="a", after=1),
            FieldChange(path="b", before=2, after=3),
            FieldChange(op="remove", path="c", before=4),
        ),
    )
    told = [(f.op, f.path, f.before, f.after) for f in changes.invert(made).fields]
    assert told == [("add", "c", None, 4), ("replace", "b", 3, 2), ("remove", "a", 1, None)]


@pytest.mark.parametrize(
    "field",
    [
        FieldChange(op="add", path="a", after=2),
        FieldChange(op="remove", path="b", before=1),
        FieldChange(op="remove", path="a", before=2),
        FieldChange(path="a", before=2, after=3),
        FieldChange(path="c[name=z].v", before=1, after=2),
        FieldChange(path="a.b.c", before=1, after=2),
    ],
)
def test_a_change_that_does_not_fit_is_stale(field: FieldChange) -> None:
    item = {"a": 1, "c": [{"name": "x", "v": 1}, {"name": "x", "v": 2}]}
    with pytest.raises(changes.Stale):
        changes.apply([field], item)


def test_two_items_of_one_name_are_no_place() -> None:
    with pytest.raises(paths.Missing):
        paths.get([{"name": "x"}, {"name": "x"}], (paths.Match("name", "x"),))
    assert paths.find({"a": [1]}, "a[1]", "none") == "none"
    assert paths.find({"a": [1]}, "a[0]", "none") == 1
    assert paths.find({"a": "text"}, "a[0]", "none") == "none"


# --- diffs


def applied(text: str, diff: str) -> str:
    """What a diff of this module makes of a text, hunk by hunk as `patch` does it."""
    lines, out, at, sign = diffs.split(text), [], 0, ""
    for line in diffs.split(diff):
        if line.startswith(("--- ", "+++ ")):
            continue
        if line.startswith("@@"):
            start, _, length = line.split()[1][1:].partition(",")
            begin = int(start) - (0 if length == "0" else 1)
            out += lines[at:begin]
            at = begin
        elif line[0] == "\\":
            if sign in " +":
                out[-1] = out[-1].rstrip("\n")
        elif line[0] in " -":
            assert lines[at].rstrip("\n") == line[1:].rstrip("\n")
            out += [lines[at]] if line[0] == " " else []
            at += 1
        else:
            out.append(line[1:])
        sign = line[0]
    return "".join([*out, *lines[at:]])


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=40),
    st.sets(st.integers(0, 39), min_size=1, max_size=6),
    st.booleans(),
)
def test_a_diff_read_backwards_takes_the_change_back(
    numbers: list[int], changed: set[int], ends: bool
) -> None:
    text = "".join(f"k{n}: {value}\n" for n, value in enumerate(numbers))
    text = text if ends else text[:-1]
    edits = [Replace(0, (f"k{n}",), numbers[n], 77) for n in sorted(changed) if n < len(numbers)]
    done = amend(text, edits)
    diff = diffs.unified("a.yaml", text, done.changes)
    assert applied(text, diff) == done.text
    if edits:
        assert applied(done.text, diffs.reverse(diff)) == text
        assert diffs.reverse(diffs.reverse(diff)) == diff
        back = diffs.unified("a.yaml", done.text, diffs.invert(done.changes))
        assert applied(done.text, back) == text


def test_the_way_back_of_a_new_file_takes_it_away() -> None:
    back = diffs.reverse(diffs.new_file("x/a.yaml", "a: 1\nb: 2\n"))
    assert back == "--- a/x/a.yaml\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a: 1\n-b: 2\n"


# --- refusals of the editor


@pytest.mark.parametrize(
    ("text", "field", "code"),
    [
        ("a: [1, 2]\n", FieldChange(path="a", before=[1], after=[1, 3]), "STALE"),
        ("a: 1\n", FieldChange(path="a", before=[1], after=[1, 3]), "NOT_FOUND"),
        ("a: 1\n", FieldChange(path="b", before=2, after=3), "NOT_FOUND"),
        ("a: 1\n", FieldChange(path="a", before=2, after=3), "STALE"),
        ("a: 1\n", FieldChange(op="add", path="a", after=2), "STALE"),
        ("a: [1,\n  # why\n  2]\n", FieldChange(path="a", before=[1, 2], after="x"), "UNSUPPORTED"),
        ("a: |\n  text\n", FieldChange(path="a", before="text\n", after={"b": 1}), "BLOCK_SCALAR"),
        ('a: "one\n  two"\n', FieldChange(path="a", before="one two", after={"b": 1}), "BLOCK_SCALAR"),
    ],
)  # fmt: skip
def test_what_is_not_as_planned_or_holds_more_than_a_value_is_refused(
    text: str, field: FieldChange, code: str
) -> None:
    change = KubernetesChange(object=REF, fields=(field,))
    with pytest.raises(NotEditable) as raised:
        patch(text, plan_edits.edits_of(change, read.read(text)[0], partial=False))
    assert raised.value.refused.code == code


# --- values of charts


@given(
    st.recursive(
        st.none() | st.integers(0, 3),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=8,
    ).filter(lambda value: isinstance(value, dict)),
    st.sampled_from("abc"),
    st.integers(4, 9),
)
def test_later_values_win_and_leave_the_others(low: dict[str, Any], key: str, value: int) -> None:
    found = merged([Layer("", low), Layer("", {key: value})])
    assert found[key] == value
    assert {k: v for k, v in found.items() if k != key} == {
        k: v for k, v in low.items() if k != key
    }
    assert key not in merged([Layer("", {key: 1, **low}), Layer("", {key: None})])
    nested = merged([Layer("", {"x": {"y": 1, "z": 2}}), Layer("", {"x": {"y": value}})])
    assert nested == {"x": {"y": value, "z": 2}}
    assert merged([Layer("", {"x": [1, 2]}), Layer("", {"x": [3]})]) == {"x": [3]}


@pytest.mark.parametrize(
    ("now", "after", "tag"),
    [
        ("r/api:1", "r/api:2", "2"),
        ("r/api:1", "r/web:2", ABSENT),
        ("r:80/api", "r:80/web", ABSENT),
        ("r/api:1", "r/api", ABSENT),
        ("r/api", "r/api:2", ABSENT),
    ],
)
def test_a_tag_is_what_follows_the_same_image(now: str, after: str, tag: Any) -> None:
    assert tag_of(now, after) == tag


def test_every_scalar_and_list_of_values_is_walked() -> None:
    values = {"a": 1, "b": {"c": [1, {"d": 2}]}, "e": {}}
    assert dict(walk(values, ())) == {
        ("a",): 1,
        ("b", "c"): [1, {"d": 2}],
        ("b", "c", 1, "d"): 2,
    }
    assert laid(values, ("b", "c", 1, "d"), 5) == {"b": {"c": [1, {"d": 5}]}}
    assert laid(values, ("a",), 5) == {"a": 5}


@pytest.mark.parametrize(
    ("values", "now", "after", "expected"),
    [
        ({"n": 2, "m": 3}, 2, 4, [(("n",), 4)]),
        ({"img": "r/api", "tag": "1"}, "r/api:1", "r/api:2", [(("tag",), "2")]),
        ({"img": "r/api", "tag": ""}, "r/api:1", "r/api:2", [(("tag",), "2")]),
        ({"img": "r/api", "tag": 1}, "r/api:1", "r/api:2", [(("tag",), "2")]),
        ({"host": "a"}, "a.a", "b.a", []),
        ({"x": "other"}, "r/api:1", "r/api:2", []),
    ],
)
def test_only_a_value_that_the_field_is_made_of_could_be_behind_it(
    values: dict[str, Any], now: Any, after: Any, expected: list[Any]
) -> None:
    field = FieldChange(path="spec.field", before=now, after=after)
    assert candidates(values, {"spec": {"field": now}}, field, REF) == expected


# --- commands of scripts


def told(text: str, path: str = "ci/deploy.sh") -> list[tuple[str, str, str, str]]:
    return [(c.program, c.subject, c.name, c.namespace) for c in commands.in_text(path, text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("helm upgrade api ./charts/api -n shop\n", [("helm", "charts/api", "api", "shop")]),
        ("helm upgrade --install api charts/api --namespace=shop", [("helm", "charts/api", "api", "shop")]),
        ("helm install charts/api", [("helm", "charts/api", "", "")]),
        ("helm --kube-context prod upgrade api charts/api", [("helm", "charts/api", "api", "")]),
        ("helm list -n shop", []),
        ("helm template api charts/api | grep x", []),
        ("helm template api charts/api | kubectl apply -f -", [("helm", "charts/api", "api", "")]),
        ("kubectl apply -f k8s/api.yaml -n shop", [("kubectl", "k8s/api.yaml", "", "shop")]),
        ("kubectl apply -k overlays/prod", [("kubectl", "overlays/prod", "", "")]),
        ("kubectl apply -f a.yaml,b.yaml", [("kubectl", "a.yaml", "", ""), ("kubectl", "b.yaml", "", "")]),
        ("kubectl apply -f -", []),
        ("kubectl get -f k8s/api.yaml", []),
        ("kubectl \\\n  apply -f \\\n  k8s", [("kubectl", "k8s", "", "")]),
        ("kustomize build overlays/prod | kubectl apply -f -", [("kustomize", "overlays/prod", "", "")]),
        ("kustomize build overlays/prod", []),
        ("flux create kustomization api --path=./apps/api", [("flux", "apps/api", "", "")]),
        ("for e in dev prod; do kubectl apply -k overlays/$e; done",
         [("kubectl", "overlays/dev", "", ""), ("kubectl", "overlays/prod", "", "")]),
        ("echo nothing", []),
    ],
)  # fmt: skip
def test_a_script_installs_what_its_commands_say(text: str, expected: list[Any]) -> None:
    assert sorted(told(text)) == sorted(expected)


@pytest.mark.parametrize(
    ("options", "files", "troubled"),
    [
        ("", (), False),
        ("-f a.yaml", ("a.yaml",), False),
        ("--values a.yaml,b.yaml -f c.yaml", ("a.yaml", "b.yaml", "c.yaml"), False),
        ("--set image.tag=1", (), False),
        ("-f a.yaml --set-string x=1 --wait", ("a.yaml",), False),
        ("--post-renderer ./x", (), True),
        ("--timeout 5m --wait", (), False),
    ],
)
def test_values_on_the_command_line_are_files_or_trouble(
    options: str, files: tuple[str, ...], troubled: bool
) -> None:
    (found,) = commands.in_text("deploy.sh", f"helm upgrade api charts/api {options}\n")
    assert (found.value_files, bool(found.trouble), found.subject) == (
        files,
        troubled,
        "charts/api",
    )


@pytest.mark.parametrize(
    ("path", "script"),
    [
        ("Makefile", True), ("x/deploy.sh", True), (".gitlab-ci.yml", True), (".github/workflows/a.yml", True),
        ("ci/a.yaml", True), ("k8s/a.yaml", False), ("README.md", False), ("workflows/a.yml", False),
    ],
)  # fmt: skip
def test_scripts_are_known_by_name_and_folder(path: str, script: bool) -> None:
    assert commands.is_script(path) is script


@pytest.mark.parametrize(
    ("word", "image"),
    [
        ("api=new:1", {"name": "api", "newName": "new", "newTag": "1"}),
        ("api:1", {"name": "api", "newTag": "1"}),
        ("r:80/api", {"name": "r:80/api"}),
        ("api@sha256:1", {"name": "api", "digest": "sha256:1"}),
    ],
)
def test_an_applications_images_are_kustomizes(word: str, image: dict[str, str]) -> None:
    found, why = settings.from_argo({"images": [word], "commonLabels": {"a": "b"}})
    assert (found, why) == ({"images": [image]}, "")
    assert settings.from_argo({"somethingNew": 1})[1]


def test_names_that_settings_give_are_all_told() -> None:
    on_top = {"namespace": "prod", "namePrefix": "p-", "images": [{"name": "a", "newTag": "7"}]}
    assert list(settings.says(on_top)) == ["prod", "p-", "", "7"]
    path, text = settings.wrapped("apps/api", {"namespace": "prod", "components": ["../x"]})
    assert path.endswith("/kustomization.yaml")
    assert "resources:\n- ../apps/api\n" in text
    assert "- ../apps/x\n" in text
