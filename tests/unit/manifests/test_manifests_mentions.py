"""Who names a file: programs, lists, scripts and patterns, each at the edge of what it means."""

from __future__ import annotations

import pytest

from manifests.repository import application_sets
from manifests.repository.index import build
from manifests.repository.installers import commands, destinations, naming, read_map, sources
from manifests.repository.installers.fleet import is_bundle
from manifests.repository.installers.revisions import directory_of
from manifests.repository.installers.settings import from_argo, from_flux, wrapped
from manifests.text.equivalence import filled
from manifests.text.readings import Readings
from schemas.base import ObjectRef

K8S = {
    "k8s/prod/api.yaml": "kind: A\n",
    "k8s/prod/sub/b.yaml": "kind: A\n",
    "k8s/dev/api.yaml": "kind: A\n",
    "api/x.yaml": "kind: A\n",
}


def meant(name: str, text: str) -> set[str]:
    """The files of K8S that a text of that name may make or read."""
    found = list(sources.sources(build({**K8S, name: text})))
    return {path for path in K8S for one in found if one.pattern.fullmatch(path)}


PROD = {"k8s/prod/api.yaml", "k8s/prod/sub/b.yaml"}


@pytest.mark.parametrize(
    ("name", "text", "files"),
    [
        ("main.tf", 'a = "k8s/prod/api.yaml"', {"k8s/prod/api.yaml"}),
        ("main.tf", 'a = "k8s/prod"', PROD),
        ("main.tf", 'a = "/k8s/prod/"', PROD),
        ("main.tf", "a = 'k8s/${var.env}/api.yaml'", {"k8s/prod/api.yaml", "k8s/dev/api.yaml"}),
        ("main.tf", 'a = "${path.module}/k8s/prod"', PROD),
        ("main.tf", 'a = "${local.rootDir}/k8s/prod"', PROD),
        ("main.tf", 'a = "api"', {"api/x.yaml"}),
        ("main.tf", "api", set()),
        ("main.tf", 'a = "ap/*"', set()),
        ("main.tf", 'a = "api/*"', {"api/x.yaml"}),
        ("main.tf", 'a = "k8s/none"', set()),
        ("main.tf", 'a = "../k8s/prod"', set()),
        ("tf/main.tf", 'a = "../k8s/prod"', PROD),
        ("tf/deep/main.tf", 'a = "../../k8s/prod"', PROD),
        ("k8s/main.tf", 'a = "prod"', PROD),
        ("k8s/prod/main.tf", 'a = "dev"', {"k8s/dev/api.yaml"}),
        ("k8s/prod/x/main.tf", 'a = "dev"', set()),
        ("Tiltfile", "k8s_yaml('k8s/dev/api.yaml')", {"k8s/dev/api.yaml"}),
        ("notes.txt", "k8s/dev/api.yaml", set()),
        ("cdk8s.yaml", "language: go\noutput: k8s\n", PROD | {"k8s/dev/api.yaml"}),
        ("a.py", "open(`k8s/dev/*.yaml`)", {"k8s/dev/api.yaml"}),
        ("a.ts", "x('*/*')", set()),
    ],
)
def test_a_program_means_the_files_and_folders_that_it_names(
    name: str, text: str, files: set[str]
) -> None:
    assert meant(name, text) == files


def test_a_program_that_a_chart_carries_along_is_data_of_the_chart() -> None:
    files = {**K8S, "c/Chart.yaml": "name: c\n", "c/files/a.py": 'x = "k8s/prod"'}
    assert not list(sources.sources(build(files)))
    moved = {**K8S, "cc/files/a.py": 'x = "k8s/prod"', "c/Chart.yaml": "name: c\n"}
    assert list(sources.sources(build(moved)))


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("path: k8s/prod\n", PROD),
        ("path: ./k8s/prod/\n", PROD),
        ("path: /k8s/prod\n", PROD),
        ("path:\n\n  k8s/prod\n", PROD),
        ("path:\n  \n\n  k8s/prod\n", PROD),
        ("path:\n  k8s/prod", PROD),
        ("\npath:\n  k8s/prod\n", PROD),
        ("\n\n  k8s/prod\n", set()),
        ("a: 1\n\n\n'path'\n:\n  k8s/prod\n", PROD),
        ("path: # here\n  k8s/prod\n", set()),
        ("- src: 'k8s/dev/api.yaml'\n", {"k8s/dev/api.yaml"}),
        ('{"chart": "k8s/dev"}', {"k8s/dev/api.yaml"}),
        ("path: k8s/none\n", set()),
        ("path: api\n", set()),
        ("other: k8s/prod\n", set()),
        ("xpath: k8s/prod\n", set()),
        ("path: k8s/prod extra\n", set()),
        ("path: k8s/prod # extra\n", PROD),
        ("a: 1\npath: k8s/prod\nb: k8s/dev\nmanifests: k8s/dev\n", {*PROD, "k8s/dev/api.yaml"}),
        ("valuesFile: k8s/dev/api.yaml\n", {"k8s/dev/api.yaml"}),
    ],
)
def test_a_list_means_the_files_that_it_names_by_their_whole_path(
    text: str, files: set[str]
) -> None:
    pattern = naming.named_in(build(K8S), text)
    assert {path for path in K8S if pattern is not None and pattern.fullmatch(path)} == files


def test_a_release_names_the_chart_of_a_helm_repository_and_no_folder() -> None:
    index = build(K8S)
    assert naming.named_in(index, "chart: k8s/prod\n", charts=False) is None
    assert naming.named_in(index, "chart: k8s/prod\n") is not None
    assert naming.named_in(index, "path: k8s/prod\n", charts=False) is not None


@pytest.mark.parametrize(
    ("said", "taken", "left"),
    [
        ({"include": "*.yaml"}, ["a.yaml", "b/c.yaml"], ["a.yml"]),
        ({"include": "a?.yaml"}, ["ab.yaml", "a/.yaml"], ["a.yaml", "abc.yaml"]),
        ({"include": "{a,b}.yaml"}, ["a.yaml", "b.yaml"], ["{a,b}.yaml", "c.yaml"]),
        ({"include": "a,b"}, ["a,b"], ["a", "b"]),
        ({"include": "[ab].yaml"}, ["a.yaml"], ["c.yaml"]),
        ({"include": "[!ab].yaml"}, ["c.yaml"], ["a.yaml"]),
        ({"include": "[a-c]"}, ["b"], ["d"]),
        ({"include": "\\*"}, ["*"], ["a"]),
        ({"include": "a.b"}, ["a.b"], ["axb"]),
        ({"include": "[a"}, ["[a"], ["a"]),
        ({"include": "{a"}, [], ["a", "{a"]),
        ({"include": "a}"}, [], ["a", "a}"]),
        ({"include": "a\\"}, ["a\\"], ["a"]),
        ({"include": "[z-a]"}, [], ["a", "z"]),
    ],
)
def test_a_pattern_of_an_application_is_read_as_argo_cd_reads_it(
    said: dict[str, str], taken: list[str], left: list[str]
) -> None:
    found = directory_of({"directory": said}).include
    assert found is not None
    assert [name for name in taken if found.fullmatch(name)] == taken
    assert [name for name in left if found.fullmatch(name)] == []


def test_an_application_that_says_no_patterns_applies_all() -> None:
    assert directory_of({}).include is None
    assert directory_of({"directory": {"include": "", "exclude": ""}}).exclude is None


@pytest.mark.parametrize(
    ("path", "bundle"),
    [
        ("fleet.yaml", True),
        ("a/fleet.yml", True),
        ("a/my-fleet.yaml", False),
        ("fleet.yaml.bak", False),
        ("fleet.json", False),
    ],
)
def test_a_bundle_is_known_by_its_files_name(path: str, bundle: bool) -> None:
    assert is_bundle(path) is bundle


def generated(generator: str, files: dict[str, str] | None = None) -> tuple[list[str], bool]:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec:\n"
        f"  generators: [{generator}]\n  template: {{metadata: {{name: '{{{{n}}}}'}}, spec: {{a: b}}}}\n"
    )
    (document,) = Readings().read(text)
    item = filled(document.root)
    assert isinstance(item, dict)
    found = application_sets.expanded(item, files or {}, Readings())
    return [one["metadata"]["name"] for one in found.made], found.complete


FOLDERS = {
    "a/x/1.yaml": "n: one\n",
    "a/y/1.yaml": "n: two\n",
    "b/c/d/1.yaml": "[{n: 3}, {n: true}]\n",
}


@pytest.mark.parametrize(
    ("generator", "names", "complete"),
    [
        ("{list: {elements: [{n: a}, {n: b}]}}", ["a", "b"], True),
        ("{list: {elements: [{m: a}, {n: b}]}}", ["b"], False),
        ("{list: {elementsYaml: '[]'}}", [], False),
        ("{clusters: {}}", [], False),
        ("{git: {directories: [{path: a/*}]}}", [], False),
        ("{git: {files: [{path: a/*/1.yaml}]}}", ["one", "two"], True),
        ("{git: {files: [{path: a/x/*}]}}", ["one"], True),
        ("{git: {files: [{path: '**/1.yaml'}]}}", ["one", "two", "3", "true"], True),
        ("{git: {files: [{path: 'b/**/1.yaml'}]}}", ["3", "true"], True),
        ("{git: {files: [{path: none}]}}", [], True),
        ("{git: {files: [{path: a/x/1.yaml}], pathParamPrefix: p}}", ["one"], True),
        ("{git: {files: [{path: a/x/1.yaml}], revision: old}}", [], False),
        ("{git: {files: [{path: a/x/1.yaml}], revision: main}}", ["one"], True),
        ("{list: {elements: [{n: a}], template: {spec: {project: x}}}}", [], False),
        ("{list: {elements: [{n: a}]}, git: {files: []}}", [], False),
        ("{scmProvider: {}}", [], False),
        (
            "{list: {elements: [{n: a, e: x}, {n: b, e: y}]}, selector: {matchLabels: {e: y}}}",
            ["b"],
            True,
        ),
        (
            "{list: {elements: [{n: a, e: x}, {n: b}]}, selector: {matchExpressions: "
            "[{key: e, operator: In, values: [x]}]}}",
            ["a"],
            True,
        ),
        (
            "{merge: {mergeKeys: [k], generators: [{list: {elements: [{k: 1, n: a}, {k: 2, n: b}]}}, "
            "{list: {elements: [{k: 2, n: c}, {k: 3, n: d}]}}]}}",
            ["a", "c"],
            True,
        ),
        ("{merge: {mergeKeys: [k], generators: [{list: {elements: [{k: 1}]}}]}}", [], False),
        ("{merge: {generators: [{list: {elements: []}}, {list: {elements: []}}]}}", [], False),
        (
            "{matrix: {generators: [{list: {elements: [{a: 1}, {a: 2}]}}, {list: {elements: [{n: 'v{{a}}'}]}}]}}",
            ["v1", "v2"],
            True,
        ),
        ("{matrix: {generators: [{list: {elements: [{n: 1}]}}]}}", [], False),
        ("{matrix: {generators: [{list: {elements: [{n: 1}]}}, {clusters: {}}]}}", [], False),
        ("{matrix: {generators: [{clusters: {}}, {list: {elements: [{n: 1}]}}]}}", [], False),
        ("{list: {elements: [{n: a}]}}, {clusters: {}}", ["a"], False),
    ],
)
def test_what_an_application_set_makes_is_told_as_far_as_its_generators_are_here(
    generator: str, names: list[str], complete: bool
) -> None:
    assert generated(generator, FOLDERS) == (names, complete)


@pytest.mark.parametrize("text", ["a: [\n", "word\n", "[1]\n"])
def test_a_generator_over_files_that_say_no_fields_is_not_followed(text: str) -> None:
    assert generated("{git: {files: [{path: a/*}]}}", {"a/x": text}) == ([], False)


def test_an_argo_setting_that_kustomize_does_not_have_is_trouble() -> None:
    assert from_argo({"namePrefix": "a-", "version": "5"}) == ({"namePrefix": "a-"}, "")
    out, why = from_argo({"zzz": 1, "aaa": 1, "replicas": []})
    assert (out, "aaa" in why) == ({}, True)


def test_settings_on_top_are_a_kustomization_over_the_folder() -> None:
    assert from_flux({"targetNamespace": "n", "components": ["../p"], "prune": True}) == {
        "namespace": "n",
        "components": ["../p"],
    }
    path, text = wrapped("a/b", {"components": ["../p"], "namespace": "n"})
    assert path == ".kfix-on-top/kustomization.yaml"
    assert "- ../a/b\n" in text
    assert "- ../a/p\n" in text
    assert "- ..\n" in wrapped("", {})[1]


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("kubectl apply -f k8s/prod", "k8s/prod"),
        ("kubectl apply -f prod", "k8s/prod"),
        ("kubectl apply -f none", None),
        ("kubectl apply -f .", "k8s"),
    ],
)
def test_a_script_means_a_folder_from_the_root_from_its_own_or_from_the_one_above(
    line: str, folder: str | None
) -> None:
    index = build({**K8S, "k8s/ci/run.sh": line + "\n"})
    found = [one.folder for one in read_map(index).installers]
    assert found == ([] if folder is None else [folder])


@pytest.mark.parametrize(
    ("path", "followed"),
    [
        ("ci/deploy.sh", True),
        ("Makefile", True),
        ("deploy/test/run.sh", False),
        ("e2e.sh", False),
        ("latest/run.sh", True),
        (".github/workflows/deploy.yaml", True),
        (".github/deploy.yaml", False),
        ("ci/kind-cluster.sh", False),
        ("deploy-test.sh", True),
        ("envs/test/run.sh", True),
        ("test.sh", False),
    ],
)
def test_scripts_that_only_try_manifests_out_install_nothing(path: str, followed: bool) -> None:
    index = build({**K8S, path: "kubectl apply -f k8s/prod\n"})
    assert bool(list(commands.commands(index))) is followed


@pytest.mark.parametrize(
    "line",
    [
        "kubectl --context test apply -k k8s/prod",
        "kubectl apply -n shop-test -f k8s/prod",
        "helm upgrade api charts/api -f envs/test.yaml",
    ],
)
def test_a_script_of_tests_that_names_the_environment_test_deploys_it(line: str) -> None:
    assert list(commands.commands(build({**K8S, "test.sh": line + "\n"})))


def test_a_loop_over_words_that_are_all_known_is_its_turns_alone() -> None:
    loop = "for env in {}; do\n  kubectl apply -k overlays/$env\ndone\n"
    found = [one.subject for one in commands.in_text("deploy.sh", loop.format("dev prod"))]
    assert found == ["overlays/dev", "overlays/prod"]
    unknown = commands.in_text("deploy.sh", loop.format("dev $MORE"))
    assert any(commands.holds_any(one.subject) for one in unknown)
    again = loop.format("dev").replace("do\n", "do\n  env=$(tr a b)\n")
    assert any(commands.holds_any(one.subject) for one in commands.in_text("deploy.sh", again))


def test_a_word_of_two_environments_speaks_of_both_installers() -> None:
    index = build(
        {**K8S, "a-prod.sh": "kubectl apply -f k8s/dev\n", "b-dev.sh": "kubectl apply -f k8s/dev\n"}
    )
    found = destinations(index, ["k8s/dev/api.yaml"])
    assert len(found) == 2
    assert destinations(index, ["k8s/dev/api.yaml", "k8s/dev/api.yaml"]) == found


def scaler(kind: str, name: str, target: str, namespace: str = "") -> str:
    group = "autoscaling/v2" if kind == "HorizontalPodAutoscaler" else "keda.sh/v1alpha1"
    placed = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: {group}\nkind: {kind}\nmetadata: {{name: {name}{placed}}}\n"
        f"spec: {{scaleTargetRef: {target}}}\n"
    )


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ([scaler("HorizontalPodAutoscaler", "a", "{kind: Deployment, name: api}")], "a"),
        ([scaler("ScaledObject", "a", "{name: api}")], "a"),
        ([scaler("HorizontalPodAutoscaler", "a", "{kind: StatefulSet, name: api}")], ""),
        ([scaler("HorizontalPodAutoscaler", "a", "{kind: Deployment, name: api-2}")], ""),
        ([scaler("HorizontalPodAutoscaler", "a", "{kind: Deployment, name: api}", "other")], ""),
        ([scaler("HorizontalPodAutoscaler", "a", "{kind: Deployment, name: api}", "shop")], "a"),
        (
            [
                scaler("HorizontalPodAutoscaler", "a", "{kind: Deployment, name: api}", "other"),
                scaler("HorizontalPodAutoscaler", "b", "{kind: Deployment, name: api}", "shop"),
            ],
            "b",
        ),
        (
            [
                "kind: HorizontalPodAutoscaler\na: [api\n",
                scaler("ScaledObject", "c", "{name: api}"),
            ],
            "c",
        ),
        (["kind: Deployment\nmetadata: {name: api}\n"], ""),
    ],
)
def test_the_autoscaler_of_a_workload_is_the_one_of_its_namespace_that_names_it(
    texts: list[str], name: str
) -> None:
    files = {f"f{at}.yaml": text for at, text in enumerate(texts)} | {
        "all.yaml": "---\n".join(t for t in texts if "[api" not in t)
    }
    ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
    found = next(build(files).autoscalers_of(ref), None)
    assert (found.name if found else "") == name
