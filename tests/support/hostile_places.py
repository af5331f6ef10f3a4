"""More hostile repositories: environments by nearly the same name, clusters, sets of Applications, maps of one's own."""

from __future__ import annotations

from tests.support.hostile_kinds import KUSTOMIZED
from tests.support.hostile_repos import (
    PROD,
    Ask,
    Deploy,
    Repo,
    application,
    build,
    built,
    chart,
    deployment,
    flux,
    overlays,
)

API = "charts/api"
SOURCE = "repoURL: https://git.example/shop/deploy.git, targetRevision: main"
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api, namespace: argocd}
spec:
MODE  generators:
  - GENERATOR
  template:
    metadata: {name: 'NAME'}
    spec:
      project: default
      destination: {name: 'CLUSTER', namespace: shop}
      source: {repoURL: https://git.example/shop/deploy.git, targetRevision: main, path: 'PATH'HELM}
"""


def _set(generator: str, path: str, cluster: str, name: str = "", helm: str = "") -> str:
    mode = "  goTemplate: true\n" if "{{ ." in path + cluster + name else ""
    made = SET.replace("GENERATOR", generator).replace("PATH", path).replace("HELM", helm)
    return made.replace("MODE", mode).replace("NAME", name or cluster).replace("CLUSTER", cluster)


def _cluster(name: str, env: str) -> str:
    return (
        "apiVersion: v1\nkind: Secret\ntype: Opaque\n"
        f"metadata:\n  name: {name}\n  namespace: argocd\n"
        f"  labels: {{argocd.argoproj.io/secret-type: cluster, env: {env}}}\n"
        f"stringData: {{name: {name}, server: 'https://{name}.example'}}\n"
    )


CLUSTERS = {f"clusters/{env}.yaml": _cluster(f"eu-{env}", env) for env in ("dev", "prod")}
ALL = "clusters: {selector: {matchExpressions: [{key: env, operator: Exists}]}}"
BUILD = "resources: [api.yaml]\n"
TREES = {
    "base/api.yaml": deployment(),
    "base/kustomization.yaml": build("api.yaml"),
    **{
        f"{tree}/{env}/kustomization.yaml": build("../../base", more="namespace: shop\n")
        for tree in ("eu", "us")
        for env in ("dev", "prod")
    },
}
OWN = "version: 1\ndeclared:\n- {for: shop, environment: production, below: [eu]}\n"


def _memory(memory: str) -> str:
    return f"resources:\n  limits:\n    memory: {memory}\n"


REPOS = [
    Repo(
        "overlays, and a chart with values for the same environment that nobody is known to install",
        overlays("dev", "prod")
        | chart()
        | {"charts/api/values-prod.yaml": _memory("512Mi"), "README.md": "helm or kustomize\n"},
        built("dev", "prod"),
        [Ask("prod", "refused"), Ask("dev", "either")],
    ),
    Repo(
        "a UAT beside staging",
        overlays("uat", "staging", "prod"),
        built("uat", "staging", "prod"),
        [Ask("uat", "right"), Ask("staging", "right"), Ask("qa", "refused")],
    ),
    Repo(
        "a UAT alone is not staging",
        {"uat/api.yaml": deployment(), "uat/kustomization.yaml": BUILD},
        [Deploy("uat", "kustomize", "uat")],
        [Ask("staging", "refused"), Ask("uat", "right")],
    ),
    Repo(
        "a QA's values are not development's",
        chart() | {"values/qa.yaml": _memory("1Gi"), "values/uat.yaml": PROD},
        [Deploy(env, "helm", API, values=(f"values/{env}.yaml",)) for env in ("qa", "uat")],
        [Ask("dev", "refused"), Ask("test", "refused"), Ask("qa", "right"), Ask("uat", "right")],
    ),
    Repo(
        "prod beside production",
        overlays("prod", "production", "prod-eu"),
        built("prod", "production", "prod-eu"),
        [
            Ask("prod", "right"),
            Ask("production", "right"),
            Ask("prd", "refused"),
            Ask("live", "refused"),
        ],
    ),
    Repo(
        "live is production, and preprod and non-prod are not",
        overlays("live", "preprod", "non-prod"),
        built("live", "preprod", "non-prod"),
        [
            Ask("live", "right"),
            Ask("preprod", "right"),
            Ask("non-prod", "right"),
            Ask("staging", "refused"),
        ],
    ),
    Repo(
        "default values beside files of other environments",
        chart() | {"charts/api/values-staging.yaml": PROD, "charts/api/values-dev.yaml": PROD},
        [
            Deploy("prod", "helm", API),
            Deploy("staging", "helm", API, values=(f"{API}/values-staging.yaml",)),
            Deploy("dev", "helm", API, values=(f"{API}/values-dev.yaml",)),
        ],
        [Ask("prod"), Ask("qa", "refused"), Ask("staging", "right")],
    ),
    Repo(
        "two trees of one environment, and nobody says which",
        TREES,
        [Deploy("prod", "kustomize", "eu/prod"), Deploy("us", "kustomize", "us/prod")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "two trees of one environment, and the repository says which",
        TREES | {".kfix.yaml": OWN},
        [Deploy("prod", "kustomize", "eu/prod")]
        + [Deploy(f"other {n}", "kustomize", n) for n in ("us/prod", "us/dev", "eu/dev")],
        [Ask("prod", "right"), Ask("dev", "refused")],
    ),
    Repo(
        "the repository's map names another environment's folder",
        TREES | {".kfix.yaml": OWN.replace("[eu]", "[eu/dev]")},
        [Deploy("prod", "kustomize", "eu/prod"), Deploy("dev", "kustomize", "eu/dev")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "the repository's map names one of several Applications of a folder",
        KUSTOMIZED
        | {f"argocd/{env}/api.yaml": application(env, "apps/api") for env in ("dev", "prod")}
        | {".kfix.yaml": OWN.replace("[eu]", "[apps/api]")},
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "a set over declared clusters, a folder for each",
        CLUSTERS
        | {"set.yaml": _set(ALL, "envs/{{metadata.labels.env}}", "{{name}}")}
        | {f"envs/{env}/api.yaml": deployment() for env in ("dev", "prod")},
        [Deploy(env, "files", f"envs/{env}/api.yaml") for env in ("dev", "prod")],
        [Ask("dev", "right"), Ask("prod", "right"), Ask("staging", "refused")],
    ),
    Repo(
        "a set over declared clusters, one folder for all",
        CLUSTERS | KUSTOMIZED | {"set.yaml": _set(ALL, "apps/api", "{{name}}")},
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "a set over the one cluster that is declared, beside others",
        {"clusters/prod.yaml": CLUSTERS["clusters/prod.yaml"], **KUSTOMIZED}
        | {"set.yaml": _set(ALL, "apps/api", "{{name}}")},
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "a set over clusters with values files called after them",
        CLUSTERS
        | chart()
        | {f"charts/api/values-{env}.yaml": _memory("1Gi") for env in ("dev", "prod")}
        | {
            "set.yaml": _set(
                ALL,
                API,
                "{{name}}",
                "api-{{name}}",
                ", helm: {releaseName: api, valueFiles: ['values-{{metadata.labels.env}}.yaml']}",
            )
        },
        [Deploy(env, "helm", API, values=(f"{API}/values-{env}.yaml",)) for env in ("dev", "prod")],
        [Ask("dev", "right"), Ask("prod", "right")],
    ),
    Repo(
        "a set of a matrix over clusters and folders",
        CLUSTERS
        | {
            "set.yaml": _set(
                "matrix: {generators: [{git: {repoURL: https://git.example/shop/deploy.git, "
                "directories: [{path: 'apps/*'}]}}, " + "{" + ALL + "}]}",
                "{{ .path.path }}/{{ .metadata.labels.env }}",
                "{{ .name }}",
                '{{ .path.basename | replace "_" "-" }}-{{ .name }}',
            )
        }
        | {f"apps/the_api/{env}/api.yaml": deployment() for env in ("dev", "prod")},
        [Deploy(env, "files", f"apps/the_api/{env}/api.yaml") for env in ("dev", "prod")],
        [Ask("dev", "right"), Ask("prod", "right")],
    ),
    Repo(
        "a set that merges what environments have of their own",
        chart()
        | {"envs/big.yaml": PROD, "envs/small.yaml": _memory("128Mi")}
        | {
            "set.yaml": _set(
                "merge: {mergeKeys: [env], generators: [{list: {elements: [{env: dev, file: small}, "
                "{env: staging, file: small}, {env: prod, file: small}]}}, "
                "{list: {elements: [{env: prod, file: big}]}}]}",
                API,
                "{{env}}-cluster",
                "api-{{env}}",
                ", helm: {releaseName: api, valueFiles: ['../../envs/{{file}}.yaml']}",
            )
        },
        [
            Deploy("dev", "helm", API, values=("envs/small.yaml",)),
            Deploy("staging", "helm", API, values=("envs/small.yaml",)),
            Deploy("prod", "helm", API, values=("envs/big.yaml",)),
        ],
        [Ask("prod", "right"), Ask("dev", "refused"), Ask("staging", "refused")],
    ),
    Repo(
        "a set whose selector leaves production out",
        {f"envs/{env}/api.yaml": deployment() for env in ("dev", "prod")}
        | {
            "set.yaml": _set(
                "{list: {elements: [{env: dev}, {env: prod}]}, selector: {matchLabels: {env: dev}}}",
                "envs/{{env}}",
                "{{env}}-cluster",
            )
        },
        [
            Deploy("dev", "files", "envs/dev/api.yaml"),
            Deploy("prod", "files", "envs/prod/api.yaml"),
        ],
        [Ask("dev", "right"), Ask("prod")],
    ),
    Repo(
        "a set with a template of the generator's own",
        {"envs/api.yaml": deployment(), "dev/api.yaml": deployment()}
        | {
            "set.yaml": _set(
                "list: {elements: [{env: dev}, {env: prod}], template: {spec: {source: {path: envs}}}}",
                "{{env}}",
                "{{env}}-cluster",
            )
        },
        [Deploy(env, "files", "envs/api.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "a set whose folders stand in another repository",
        {"envs/prod/api.yaml": deployment(), "envs/dev/web.yaml": deployment("web")}
        | {
            "set.yaml": _set(
                "git: {repoURL: https://git.example/shop/teams.git, directories: [{path: 'envs/*'}]}",
                "envs/prod",
                "{{path.basename}}-cluster",
            )
        },
        [Deploy(env, "files", "envs/prod/api.yaml") for env in ("dev", "prod")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "one folder that a script applies to each context",
        {"k8s/api.yaml": deployment()}
        | {
            "deploy.sh": "kubectl --context dev apply -n shop -f k8s/\n"
            "kubectl --context prod apply -n shop -f k8s/\n"
        },
        [Deploy(env, "files", "k8s/api.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "folders that a script applies to their contexts",
        {f"k8s/{n}/api.yaml": deployment() for n in ("a", "b")}
        | {
            "deploy.sh": "kubectl --context dev apply -n shop -f k8s/a/\n"
            "kubectl --context prod apply -n shop -f k8s/b/\n"
        },
        [Deploy("dev", "files", "k8s/a/api.yaml"), Deploy("prod", "files", "k8s/b/api.yaml")],
        [Ask("dev"), Ask("prod")],
    ),
    Repo(
        "Flux of clusters called by short words",
        overlays("stg", "prd")
        | {f"clusters/{env}/apps.yaml": flux(f"./overlays/{env}") for env in ("stg", "prd")},
        [
            Deploy("staging", "kustomize", "overlays/stg"),
            Deploy("production", "kustomize", "overlays/prd"),
        ],
        [Ask("staging", "right"), Ask("production", "right"), Ask("uat", "refused")],
    ),
    Repo(
        "names with a suffix of the environment",
        overlays("dev", "prod", more={e: f"nameSuffix: -{e}\n" for e in ("dev", "prod")}),
        built("dev", "prod"),
        [
            Ask("prod", "right", object="Deployment/shop/api-prod"),
            Ask("prod", "refused", object="Deployment/shop/api-dev"),
            Ask("prod", "refused", object="Deployment/shop/api-staging"),
        ],
    ),
]
