"""Variables of scripts and pipelines: what a command is known to install with, told from the repository's texts alone."""

from __future__ import annotations

import pytest

from manifests.repository.index import build
from manifests.repository.installers import commands

CHART = {
    "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    **{f"envs/{env}.yaml": "{}\n" for env in ("prod", "staging")},
    "envs/eu-prod.yaml": "{}\n",
}
LINE = "helm upgrade api charts/api -f envs/$ENV.yaml"


def values(path: str, text: str) -> list[str]:
    """The values files of each release; one that is not known is ``?``."""
    found = commands.commands(build({**CHART, path: text}))
    return ["?" if any(map(commands.holds_any, c.value_files)) else c.value_files[0] for c in found]


def files(*names: str) -> list[str]:
    return [f"envs/{name}.yaml" for name in names]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{LINE}\n", files("eu-prod", "prod", "staging")),
        (f"ENV=prod\n{LINE}\n", files("prod")),
        (f"export ENV='prod' # here\n{LINE}\n", files("prod")),
        (f"ENV=prod\n{LINE}\nENV=staging\n", files("prod")),
        (f"ENV=prod\nif test $1; then ENV=staging; fi\n{LINE}\n", files("prod", "staging")),
        (f"ENV=prod\nf() {{\n  {LINE}\n}}\nENV=staging\nf\n", files("prod", "staging")),
        (f"{LINE}\nENV=prod\n", files("eu-prod", "prod", "staging")),
        (f"ENV=prod\n. ./env\n{LINE}\n", files("eu-prod", "prod", "staging")),
        (f"ENV=prod\nread -r ENV\n{LINE}\n", files("eu-prod", "prod", "staging")),
        (f"ENV=prod\nENV=$1\n{LINE}\n", files("eu-prod", "prod", "staging")),
        (f"[ $1 ] && ENV=prod\n{LINE}\n", files("eu-prod", "prod", "staging")),
        ("helm upgrade api charts/api -f envs/$A-$B.yaml\n", files("eu-prod")),
        ("helm upgrade api charts/api -f envs/$A$B.yaml\n", ["?"]),
        ("helm upgrade api charts/api -f $ENV\n", ["?"]),
        ("helm upgrade api charts/web -f envs/$ENV.yaml\n", ["?"]),
        ("helm upgrade api other/$CHART -f envs/$ENV.yaml\n", ["?"]),
    ],
)
def test_a_variable_has_the_values_that_the_script_or_the_files_tell(
    text: str, expected: list[str]
) -> None:
    assert sorted(values("deploy.sh", text)) == expected


JOBS = f"""\
.base:
  script: ['{LINE}']
one:
  extends: .base
  variables: {{ENV: prod}}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (JOBS, files("prod")),
        (f"variables: {{ENV: staging}}\n{JOBS}two: {{extends: [.base]}}\n", files("prod", "staging")),
        (JOBS.replace("prod", "$OTHER"), files("eu-prod", "prod", "staging")),
        (JOBS.replace("prod}", "$OTHER, OTHER: prod}"), files("prod")),
        (JOBS + "  before_script: [export ENV=staging]\n", files("staging")),
        (JOBS + "  before_script: ['. ./env']\n", files("eu-prod", "prod", "staging")),
        (JOBS + "  parallel: {matrix: [{ENV: [staging], X: [a]}]}\n", files("staging")),
        (JOBS + "  rules: [{variables: {ENV: staging}}, {when: manual}]\n", files("prod", "staging")),
        (JOBS + "  artifacts: {reports: {dotenv: a}}\n", files("eu-prod", "prod", "staging")),
        (JOBS + f"hooked: {{hooks: {{pre: ['{LINE} -n shop']}}}}\n",
         files("eu-prod", "eu-prod", "prod", "prod", "staging", "staging")),
    ],
)  # fmt: skip
def test_a_jobs_variables_are_those_that_the_pipeline_gives_it(
    text: str, expected: list[str]
) -> None:
    assert sorted(values(".gitlab-ci.yml", text)) == expected


def test_a_template_that_another_file_takes_up_may_get_any_value() -> None:
    files_ = {**CHART, "ci.yml": "x: {extends: .base}\n", ".gitlab-ci.yml": JOBS}
    found = [one.value_files[0] for one in commands.commands(build(files_))]
    assert sorted(found) == files("eu-prod", "prod", "prod", "staging")


def test_the_environment_is_the_one_that_the_job_says() -> None:
    said = f"{JOBS}  environment: {{name: $ENV}}\n"
    (found,) = commands.commands(build({**CHART, ".gitlab-ci.yml": said}))
    assert commands.words_of(found)[0] == "prod"


CASES = """\
case "$1" in
  prod)
    ENV=prod
    NAMESPACE="shop"
    ;;
  staging) ENV=staging; NAMESPACE=shop-staging ;;
  *)
    echo unknown
    exit 1
    ;;
esac
helm upgrade --install api charts/api -n "$NAMESPACE" -f "envs/$ENV.yaml"
"""


def test_a_case_is_followed_arm_by_arm_with_all_that_an_arm_says() -> None:
    found = commands.commands(build({**CHART, "deploy.sh": CASES}))
    told = {(one.environment, one.namespace, *one.value_files) for one in found}
    assert told == {
        ("prod", "shop", "envs/prod.yaml"),
        ("staging", "shop-staging", "envs/staging.yaml"),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What every arm runs alike is one command, of no arm's environment.
        (f"case $1 in\nprod) ENV=prod ;;\nstaging) ENV=prod ;;\nesac\n{LINE}\n", [("", "prod")]),
        # A default that no arm sets stays.
        (f"ENV=staging\ncase $1 in\nprod) ENV=prod ;;\n*) ;;\nesac\n{LINE}\n",
         [("", "staging"), ("prod", "prod")]),
        # Two cases of one variable take the same arm.
        ("case $1 in\nprod) A=eu ;;\nstaging) A=us ;;\nesac\ncase $1 in\nprod) B=prod ;;\nstaging) B=staging ;;\nesac\n"
         "helm upgrade api charts/api -f envs/$A-$B.yaml\n", [("prod", "eu-prod"), ("staging", "?")]),
    ],
)  # fmt: skip
def test_arms_tell_apart_only_what_they_change(text: str, expected: list[tuple[str, str]]) -> None:
    found = commands.commands(build({**CHART, "deploy.sh": text}))
    told = [
        (one.environment, one.value_files[0].removeprefix("envs/").removesuffix(".yaml"))
        if one.value_files[0] in CHART
        else (one.environment, "?")
        for one in found
    ]
    assert sorted(told) == sorted(expected)


def test_a_case_within_a_function_or_with_another_inside_is_not_followed() -> None:
    inside = "case $1 in\nprod)\n  if test $2; then ENV=prod; fi\n  ;;\nesac\n" + LINE + "\n"
    assert sorted(values("deploy.sh", inside)) == files("eu-prod", "prod", "staging")
    within = "f() {\n  case $1 in\n  prod) ENV=prod ;;\n  esac\n}\n" + LINE + "\n"
    assert sorted(values("deploy.sh", within)) == files("eu-prod", "prod", "staging")
