"""Kinds of repositories whose fields are values of charts: where the value stands is where the edit has to be."""

from __future__ import annotations

from tests.support.hostile_repos import (
    IMAGE,
    MEMORY,
    PROD,
    TEMPLATE,
    VALUES,
    Ask,
    Deploy,
    K,
    Repo,
    application,
    build,
    chart,
    deployment,
    flux,
)

API = "charts/api"
GRACE = "spec.template.spec.terminationGracePeriodSeconds"


def helm(env: str, *values: str, what: str = API, release: str = "api") -> Deploy:
    """A chart as an environment gets it."""
    return Deploy(env, "helm", what, release, values=values)


def right(env: str, path: str = MEMORY, value: object = "777Mi", name: str = "api") -> Ask:
    """Something that has to be edited."""
    return Ask(env, "right", path, value, f"Deployment/shop/{name}")


def refused(env: str, path: str = MEMORY, value: object = "777Mi", name: str = "api") -> Ask:
    """Something that nobody may edit."""
    return Ask(env, "refused", path, value, f"Deployment/shop/{name}")


def with_files(env: str, *files: str, path: str = API) -> dict[str, str]:
    """An Application with values files of the repository."""
    listed = ", ".join("../../" + file for file in files)
    return {f"argocd/{env}.yaml": application(env, path, f"    helm: {{valueFiles: [{listed}]}}\n")}


def _shared(text: str, *, prod: str) -> Repo:
    """Values of an environment in which an anchor is used twice."""
    files = chart() | with_files("prod", "envs/prod.yaml") | {"envs/prod.yaml": text}
    return Repo(prod, files, [helm("prod", "envs/prod.yaml")], [right("prod")])


_WORKER = TEMPLATE.replace("{{ .Release.Name }}\nspec", "{{ .Release.Name }}-worker\nspec").replace(
    ".Values.resources", ".Values.worker.resources"
)
_TWO = chart(values=VALUES + "worker:\n  resources: {limits: {memory: 64Mi}}\n") | {
    f"{API}/templates/worker.yaml": _WORKER
}


def _two(name: str, text: str) -> Repo:
    """The same where both places are read."""
    files = _TWO | with_files("prod", "envs/prod.yaml") | {"envs/prod.yaml": text}
    asks = [right("prod"), right("prod", name="api-worker")]
    return Repo(name, files, [helm("prod", "envs/prod.yaml")], asks)


ALIASES = [
    _shared("shared: &res\n  limits:\n    memory: 512Mi\nresources: *res\n", prod="an alias"),
    _shared("mem: &mem 512Mi\nresources: {limits: {memory: *mem}}\n", prod="an alias in brackets"),
    _shared(
        "base: &base\n  resources:\n    limits:\n      memory: 512Mi\n<<: *base\nreplicaCount: 3\n",
        prod="a merge key at the top",
    ),
    _two(
        "an anchor with another reader",
        "resources: &res\n  limits:\n    memory: 512Mi # peaks at 400\nworker:\n  resources: *res\n",
    ),
    _two(
        "an anchor of one value with another reader",
        "resources:\n  limits:\n    memory: &m 512Mi\nworker:\n  resources: {limits: {memory: *m}}\n",
    ),
]

_READING = TEMPLATE + (
    "      {{- with .Values.nodeSelector }}\n      nodeSelector:\n        {{- toYaml . | nindent 8 }}\n      {{- end }}\n"
    "      terminationGracePeriodSeconds: {{ .Values.graceSeconds | default 30 }}\n"
    '      {{- with .Values.pod }}\n      priorityClassName: {{ .priority | default "none" }}\n      {{- end }}\n'
    '      schedulerName: {{ dig "scheduling" "scheduler" "default-scheduler" (.Values | merge (dict)) }}\n'
)
_NODES = "spec.template.spec.nodeSelector.disktype"
UNSET = [
    Repo(
        "values that nobody sets",
        chart(template=_READING)
        | with_files("prod", "envs/prod.yaml")
        | with_files("dev", "envs/dev.yaml")
        | {"envs/prod.yaml": "replicaCount: 4\n", "envs/dev.yaml": "replicaCount: 1\n"},
        [helm("prod", "envs/prod.yaml"), helm("dev", "envs/dev.yaml")],
        [
            right("prod", _NODES, "ssd"),
            right("prod", GRACE, 90),
            right("dev", GRACE, 5),
            right("prod", "spec.template.spec.schedulerName", "other"),
        ],
    ),
    Repo(
        "a value that two objects read and nobody sets",
        chart(
            template=TEMPLATE
            + "      terminationGracePeriodSeconds: {{ .Values.grace | default 30 }}\n"
        )
        | {
            f"{API}/templates/worker.yaml": TEMPLATE.replace(
                "{{ .Release.Name }}\nspec", "{{ .Release.Name }}-worker\nspec"
            )
            + "      terminationGracePeriodSeconds: {{ .Values.grace | default 30 }}\n"
        }
        | with_files("prod", "envs/prod.yaml")
        | {"envs/prod.yaml": "replicaCount: 4\n"},
        [helm("prod", "envs/prod.yaml")],
        [refused("prod", GRACE, 90)],
    ),
    Repo(
        "an image's tag that nobody sets",
        chart(
            values=VALUES.replace(", tag: 1.0.0", ""),
            template=TEMPLATE.replace(
                "{{ .Values.image.tag }}", "{{ .Values.image.tag | default .Chart.AppVersion }}"
            ),
            more="appVersion: 1.0.0\n",
        )
        | with_files("prod", "envs/prod.yaml")
        | {"envs/prod.yaml": "replicaCount: 4\n"},
        [helm("prod", "envs/prod.yaml")],
        [right("prod", IMAGE, "registry.example/api:1.0.1")],
    ),
]


def _umbrella(dependency: str, key: str, *, folder: str = "api") -> Repo:
    inside = {f"deploy/charts/{folder}/{p.removeprefix(API + '/')}": t for p, t in chart().items()}
    files = inside | {
        "deploy/Chart.yaml": f"apiVersion: v2\nname: deploy\nversion: 0.1.0\ndependencies:\n  - {dependency}\n",
        "deploy/values.yaml": f"{key}:\n  replicaCount: 2\n",
        "deploy/values-prod.yaml": f"{key}:\n  replicaCount: 4 # two per zone\n",
        "deploy/values-staging.yaml": f"{key}:\n  replicaCount: 1\n",
    }
    deploys = [
        helm(env, f"deploy/values-{env}.yaml", what="deploy", release="deploy")
        for env in ("prod", "staging")
    ]
    asks = [right("prod", "spec.replicas", 6, "deploy"), right("prod", name="deploy")]
    asks.append(right("staging", IMAGE, "registry.example/api:1.0.1", "deploy"))
    return Repo(f"a chart below charts as {key} in {folder}: {dependency}", files, deploys, asks)


UMBRELLAS = [
    _umbrella("{name: api, version: 0.1.0}", "api"),
    _umbrella("{name: api, version: 0.1.0, alias: backend}", "backend"),
    _umbrella("{name: api, version: 0.1.0, repository: 'file://charts/api'}", "api"),
]

_TEXT = """\
    helm:
      releaseName: api
      values: |
        # of this cluster
        replicaCount: 4

        resources:
          limits:
            memory: 512Mi # peaks at 400
"""
_OBJECT = """\
    helm:
      valuesObject:
        replicaCount: 4
        resources: {limits: {memory: 512Mi}}
"""
_PARAMETERS = """\
    helm:
      values: "replicaCount: 3"
      parameters:
        - name: replicaCount
          value: "5"
        - {name: resources.limits.memory, value: 300Mi}
"""


def _laid(env: str, at: str, text: str) -> Deploy:
    """The same values as a person reads them, laid into a file that the judge's helm takes."""
    return Deploy(env, "helm", API, values=(f"{at}#{text}",))


APPLICATIONS = [
    Repo(
        "values as text in an Application",
        chart()
        | {"argocd/prod.yaml": application("prod", API, _TEXT)}
        | {"argocd/dev.yaml": application("dev", API, _TEXT.replace("512Mi", "64Mi"))},
        [_laid(env, f"argocd/{env}.yaml", "spec.source.helm.values") for env in ("prod", "dev")],
        [
            right("prod"),
            right("dev"),
            right("prod", "spec.replicas", 7),
            right("prod", IMAGE, "registry.example/api:2.0.0"),
        ],
    ),
    Repo(
        "values as an object in an Application",
        chart() | {"argocd/prod.yaml": application("prod", API, _OBJECT)},
        [_laid("prod", "argocd/prod.yaml", "spec.source.helm.valuesObject")],
        [right("prod"), right("prod", "spec.replicas", 7)],
    ),
]

_RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: api, namespace: shop}
spec:
  interval: 5m
  chart: {spec: {chart: ./charts/api, sourceRef: {kind: GitRepository, name: deploy}}}
"""
_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: api-values, namespace: shop}
data:
  size: "4"
  values.yaml: |
    resources:
      limits:
        memory: 512Mi # peaks at 400
"""
_FROM = "  valuesFrom:\n    - {kind: ConfigMap, name: api-values}\n"
_SIZE = "    - {kind: ConfigMap, name: api-values, valuesKey: size, targetPath: replicaCount}\n"
VALUES_FROM = [
    Repo(
        f"values of a HelmRelease from a ConfigMap, {how}",
        chart()
        | {"apps/release.yaml": _RELEASE + _FROM + _SIZE + "  values: {fullnameOverride: x}\n"}
        | {"apps/values.yaml": _MAP}
        | more,
        [_laid("unknown", "apps/values.yaml", "data.values.yaml")],
        [right("unknown")],
    )
    for how, more in (
        ("plain", {}),
        (
            "built",
            {
                "apps/kustomization.yaml": "namespace: shop\nresources: [release.yaml, values.yaml]\n",
            },
        ),
    )
]
VALUES_FROM.append(
    Repo(
        "one ConfigMap with values for two HelmReleases",
        chart()
        | {"apps/release.yaml": _RELEASE + _FROM}
        | {"apps/other.yaml": (_RELEASE + _FROM).replace("name: api,", "name: other,")}
        | {"apps/values.yaml": _MAP},
        [_laid("unknown", "apps/values.yaml", "data.values.yaml")],
        [refused("unknown")],
    )
)

_APPS = """\
{{- range .Values.services }}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: {{ .name }}, namespace: argocd}
spec:
  project: default
  destination: {name: {{ $.Values.cluster }}, namespace: shop}
  source:
    repoURL: https://git.example/shop/deploy.git
    path: charts/api
    targetRevision: main
    helm:
HELM
{{- end }}
"""
_PROD_APPS = """\
cluster: prod-cluster
services:
  - name: api
    values:
      replicaCount: 4
      resources:
        limits:
          memory: 512Mi # since 1.4
  - name: web
    values: {replicaCount: 3}
"""


def _apps(name: str, how: str, asks: list[Ask]) -> Repo:
    """An app of apps that hands values on."""
    files = chart() | {
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 0.1.0\n",
        "apps/templates/apps.yaml": _APPS.replace("HELM", how),
        "apps/values.yaml": "cluster: none\nservices: []\n",
        "apps/values-prod.yaml": _PROD_APPS,
        "apps/values-dev.yaml": _PROD_APPS.replace("prod-", "dev-").replace("512Mi", "64Mi"),
    }
    deploys = [
        Deploy(env, "helm", API, one, values=(f"apps/values-{env}.yaml#services.{at}.values",))
        for env in ("prod", "dev")
        for at, one in enumerate(("api", "web"))
    ]
    return Repo(name, files, deploys, asks)


_HANDED = [
    right("prod"),
    right("dev"),
    right("prod", "spec.replicas", 7),
    right("prod", name="web"),
]
APPS = [
    _apps(
        "apps of values as text",
        "      values: |\n        {{- toYaml .values | nindent 8 }}",
        _HANDED,
    ),
    _apps(
        "apps of values as an object",
        "      valuesObject: {{- toYaml .values | nindent 8 }}",
        _HANDED,
    ),
]

_FILE = """\
environments:
  prod: {}
  staging: {}
---
releases:
  - name: api
    namespace: shop
    chart: ../../charts/api
    values:
      - values.yaml
      - values-{{ .Environment.Name }}.yaml
"""
_LENIENT = """\
    helm:
      ignoreMissingValueFiles: true
      valueFiles: [values-common.yaml, values-ENV.yaml]
"""
MISSING = [
    Repo(
        "a helmfile's environment without values of its own",
        chart()
        | {
            "services/api/helmfile.yaml": _FILE,
            "services/api/values.yaml": PROD,
            "services/api/values-staging.yaml": "replicaCount: 1\n",
        },
        [
            helm("prod", "services/api/values.yaml", "services/api/values-prod.yaml?"),
            helm("staging", "services/api/values.yaml", "services/api/values-staging.yaml"),
        ],
        [right("prod", "spec.replicas", 9), right("prod"), right("staging")],
    ),
    Repo(
        "an Application's values file that is passed over",
        chart()
        | {f"{API}/values-common.yaml": PROD, f"{API}/values-dev.yaml": "replicaCount: 1\n"}
        | {
            f"argocd/{env}.yaml": application(env, API, _LENIENT.replace("ENV", env))
            for env in ("prod", "dev")
        },
        [
            helm(env, f"{API}/values-common.yaml", f"{API}/values-{env}.yaml?")
            for env in ("prod", "dev")
        ],
        [right("prod", "spec.replicas", 9), right("prod"), right("dev")],
    ),
]

_VALUED = _RELEASE + "  values:\n    replicaCount: 2\n    resources: {limits: {memory: 300Mi}}\n"
_PATCHES = """\
  patches:
    - patch: |
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: api, namespace: shop}
        spec:
          values:
            replicaCount: COUNT # sized
      target: {kind: HelmRelease, name: api}
"""
_PLAIN = """\
  patches:
    - patch: |
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api, namespace: shop}
        spec:
          replicas: 6
"""


def _on_top(env: str, flux_file: str, *, memory: str = "300Mi") -> Deploy:
    """The chart with the base's values and what the environment's patch says, as a person would lay it together."""
    base = f"resources: {{limits: {{memory: {memory}}}}}\n"
    place = f"{flux_file}#spec.patches.0.patch#spec.values"
    return Deploy(env, "helm", API, values=("base.yaml", place), adds={"base.yaml": base})


ON_TOP = [
    Repo(
        "a HelmRelease that two of Flux's Kustomizations patch",
        chart()
        | {"apps/api/release.yaml": _VALUED, "apps/api/kustomization.yaml": build("release.yaml")}
        | {
            f"clusters/{env}/apps.yaml": flux("./apps/api", _PATCHES.replace("COUNT", count))
            for env, count in (("prod", "6"), ("staging", "3"))
        },
        [_on_top(env, f"clusters/{env}/apps.yaml") for env in ("prod", "staging")],
        [
            right("prod", "spec.replicas", 9),
            right("staging", "spec.replicas", 9),
            right("prod"),
            refused("unknown", "spec.replicas", 9),
        ],
    ),
    Repo(
        "a folder that one of Flux's Kustomizations patches and another does not",
        {
            "apps/api/api.yaml": deployment(namespace="shop"),
            "apps/api/kustomization.yaml": build("api.yaml"),
        }
        | {"clusters/prod/apps.yaml": flux("./apps/api", _PLAIN)}
        | {"clusters/staging/apps.yaml": flux("./apps/api")},
        [
            Deploy(
                "prod",
                "kustomize",
                "top",
                adds={"top/kustomization.yaml": build("../apps/api")},
                lays="clusters/prod/apps.yaml#spec.patches",
            ),
            Deploy("staging", "kustomize", "apps/api"),
        ],
        [
            right("prod", "spec.replicas", 9),
            right("staging", "spec.replicas", 9),
            refused("unknown"),
        ],
    ),
]

_FIXED = (
    TEMPLATE
    + """\
          env:
            - name: LOG_LEVEL
              value: "info"
            - {name: POOL, value: "10"}
          livenessProbe:
            httpGet: {path: /healthz, port: 8080}
            initialDelaySeconds: 10 # slow to start
            periodSeconds: 10
"""
)
_IN_API = "spec.template.spec.containers[name=api]."
_DELAY = _IN_API + "livenessProbe.initialDelaySeconds"
_TWICE = {
    f"{API}/templates/_probe.tpl": '{{- define "probe" }}\ninitialDelaySeconds: 10\n{{- end }}\n',
    f"{API}/templates/worker.yaml": TEMPLATE.replace(
        "{{ .Release.Name }}\nspec", "{{ .Release.Name }}-worker\nspec"
    )
    + '          livenessProbe: {{- include "probe" . | nindent 12 }}\n',
}
LITERALS = [
    Repo(
        "literals in the template of a chart of one release",
        chart(template=_FIXED) | with_files("prod", "envs/prod.yaml") | {"envs/prod.yaml": PROD},
        [helm("prod", "envs/prod.yaml")],
        [
            right("prod", _DELAY, 30),
            right("prod", _IN_API + "env[name=LOG_LEVEL].value", "debug"),
            right("prod", _IN_API + "env[name=POOL].value", "20"),
            right("prod", _IN_API + "livenessProbe.httpGet.port", 9090),
        ],
    ),
    Repo(
        "a literal in the template of a chart of two releases",
        chart(template=_FIXED)
        | with_files("prod", "envs/prod.yaml")
        | with_files("dev", "envs/dev.yaml")
        | {"envs/prod.yaml": PROD, "envs/dev.yaml": "replicaCount: 1\n"},
        [helm("prod", "envs/prod.yaml"), helm("dev", "envs/dev.yaml")],
        [refused("prod", _DELAY, 30), refused("dev", _DELAY, 30)],
    ),
    Repo(
        "a literal in a template that two objects include",
        chart(
            template=TEMPLATE + '          livenessProbe: {{- include "probe" . | nindent 12 }}\n'
        )
        | _TWICE
        | with_files("prod", "envs/prod.yaml")
        | {"envs/prod.yaml": PROD},
        [helm("prod", "envs/prod.yaml")],
        [refused("prod", _DELAY, 30)],
    ),
]

_INNER = {
    f"deploy/charts/api/{p.removeprefix(API + '/')}": t for p, t in chart(template=_FIXED).items()
}
_OUTER = "apiVersion: v2\nname: deploy\nversion: 0.1.0\ndependencies:\n"


def _outer(name: str, files: dict[str, str], *envs: str, ask: Ask) -> Repo:
    """An umbrella whose subchart has literals, installed in each environment."""
    installed = {f"argocd/{env}.yaml": application(env, "deploy") for env in envs}
    files = files | {"deploy/values.yaml": "api: {replicaCount: 3}\n"} | installed
    copies = {API: "deploy/charts/api"} if f"{API}/Chart.yaml" in files else {}
    deploys = [Deploy(env, "helm", "deploy", "api", values=(), copies=copies) for env in envs]
    return Repo(name, files, deploys, [ask])


_ONE = {"deploy/Chart.yaml": _OUTER + "  - {name: api, version: 0.1.0}\n"}
_BY_FILE = _OUTER + "  - {name: api, version: 0.1.0, repository: 'file://../charts/api'}\n"
LITERALS += [
    _outer(
        "a literal of a subchart of an umbrella of one release",
        _INNER | _ONE,
        "prod",
        ask=right("prod", _DELAY, 30),
    ),
    _outer(
        "a literal of a subchart of an umbrella of two releases",
        _INNER | _ONE,
        "prod",
        "dev",
        ask=refused("prod", _DELAY, 30),
    ),
    _outer(
        "a literal of a subchart by file",
        chart(template=_FIXED) | {"deploy/Chart.yaml": _BY_FILE},
        "prod",
        ask=right("prod", _DELAY, 30),
    ),
    _outer(
        "a literal of a subchart by file that another umbrella has too",
        chart(template=_FIXED)
        | {"deploy/Chart.yaml": _BY_FILE}
        | {"other/Chart.yaml": _BY_FILE, "other.yaml": application("dev", "other", name="other")},
        "prod",
        ask=refused("prod", _DELAY, 30),
    ),
]

_FILLED = (
    deployment(namespace="shop")
    .replace("replicas: 2", "replicas: ${REPLICAS}")
    .replace("256Mi", "${MEM:=256Mi}")
    .replace(":1.0.0", ":${TAG}")
)
_FILLS = '  postBuild:\n    substitute:\n      REPLICAS: "4" # two per zone\n      TAG: 1.0.0\n'


def _filled(name: str, files: dict[str, str], asks: list[Ask]) -> Repo:
    """A folder that two of Flux's Kustomizations fill variables into."""
    made = files | {
        "apps/api/kustomization.yaml": build("api.yaml"),
        "clusters/prod/apps.yaml": flux("./apps/api", _FILLS),
        "clusters/dev/apps.yaml": flux(
            "./apps/api", _FILLS.replace('"4"', '"1"') + "      MEM: 1Gi\n"
        ),
    }
    deploys = [
        Deploy(
            env,
            "kustomize",
            "apps/api",
            fills=f"clusters/{env}/apps.yaml#spec.postBuild.substitute",
        )
        for env in ("prod", "dev")
    ]
    return Repo(name, made, deploys, asks)


FILLED = [
    _filled(
        "variables that Flux fills in",
        {"apps/api/api.yaml": _FILLED},
        [
            right("prod", "spec.replicas", 9),
            right("dev", "spec.replicas", 9),
            right("prod"),
            right("dev"),
            right("prod", IMAGE, "registry.example/api:2.0.0"),
            refused("unknown", "spec.replicas", 9),
        ],
    ),
    _filled(
        "a variable that Flux fills into two fields",
        {"apps/api/api.yaml": _FILLED.replace("${TAG}", "${REPLICAS}")},
        [refused("prod", "spec.replicas", 9), refused("prod", IMAGE, "registry.example/api:9")],
    ),
]

_INFLATING = (
    K
    + """\
namespace: shop
helmGlobals: {chartHome: ../../charts}
helmCharts:
  - name: api
    releaseName: api
    valuesFile: values.yaml
    valuesInline:
      replicaCount: COUNT # two per zone
"""
)


def _inflating(name: str, more: dict[str, str], deploys: list[Deploy], asks: list[Ask]) -> Repo:
    """Folders that inflate a chart of the repository."""
    files = chart() | {
        path: text
        for env, count in (("prod", "4"), ("dev", "1"))
        for path, text in (
            (f"envs/{env}/kustomization.yaml", _INFLATING.replace("COUNT", count)),
            (f"envs/{env}/values.yaml", PROD),
        )
    }
    return Repo(name, files | more, deploys, asks)


INFLATED = [
    _inflating(
        "charts that kustomize inflates",
        {},
        [Deploy(env, "kustomize", f"envs/{env}") for env in ("prod", "dev")],
        [
            right("prod", "spec.replicas", 9),
            right("dev"),
            right("prod", IMAGE, "registry.example/api:2.0.0"),
            refused("unknown", "spec.replicas", 9),
        ],
    ),
    _inflating(
        "a chart that kustomize inflates for two overlays",
        {
            f"overlays/{env}/kustomization.yaml": build("../../envs/prod")
            for env in ("staging", "test")
        },
        [Deploy(env, "kustomize", f"overlays/{env}") for env in ("staging", "test")],
        [refused("staging", "spec.replicas", 9), refused("test")],
    ),
]

_SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api, namespace: argocd}
spec:
  generators:
    - list:
        elements:
          - env: prod
            values: {replicaCount: 4, resources: {limits: {memory: 512Mi}}} # two per zone
          - {env: dev, values: {replicaCount: 1, resources: {limits: {memory: 64Mi}}}}
  template:
    metadata: {name: 'api-{{env}}'}
    spec:
      project: default
      destination: {name: '{{env}}-cluster', namespace: shop}
      source:
        repoURL: https://git.example/shop/deploy.git
        targetRevision: main
        path: charts/api
        helm:
          releaseName: api
HELM
"""
_SET_TEXT = """\
          values: |
            replicaCount: {{values.replicaCount}}
            resources:
              limits:
                memory: {{values.resources.limits.memory}}
"""
_SET_PARAMETERS = """\
          parameters:
            - {name: replicaCount, value: '{{values.replicaCount}}'}
            - {name: resources.limits.memory, value: '{{values.resources.limits.memory}}'}
"""


def _set(name: str, how: str, generators: str = "", asks: list[Ask] | None = None) -> Repo:
    """An ApplicationSet over a list, whose elements are the values that a person reads there."""
    text = _SET.replace("HELM", how)
    text = text.replace("  template:\n", generators + "  template:\n", 1)
    deploys = [
        helm(env, f"sets/api.yaml#spec.generators.0.list.elements.{at}.values")
        for at, env in enumerate(("prod", "dev"))
    ]
    given = [
        right("prod", "spec.replicas", 9),
        right("dev"),
        refused("prod", IMAGE, "registry.example/api:2"),
    ]
    return Repo(name, chart() | {"sets/api.yaml": text}, deploys, given if asks is None else asks)


SETS = [
    _set("elements of an ApplicationSet in a text of values", _SET_TEXT),
    _set("elements of an ApplicationSet in parameters", _SET_PARAMETERS),
    _set(
        "an ApplicationSet over clusters that are not known",
        _SET_TEXT,
        "    - clusters: {}\n",
        [refused("prod", IMAGE, "registry.example/api:2"), refused("unknown")],
    ),
]

_EACH = """\
  template:
    metadata: {name: 'NAME'}
    spec:
      project: default
      destination: {name: '{{HOLE env}}-cluster', namespace: shop}
      source:
        repoURL: https://git.example/shop/deploy.git
        targetRevision: main
        path: charts/api
        helm:
          releaseName: api
HELM
"""
_VALUES_OF = """\
          values: |
            replicaCount: {{HOLE replicaCount}}
            resources:
              limits:
                memory: {{HOLE memory}}
"""
_HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: api, namespace: argocd}\nspec:\n"
_SIZES = "{env: prod, replicaCount: '4', resources: {limits: {memory: 512Mi}}}"


def _generated(
    name: str,
    generators: str,
    values: list[str],
    asks: list[Ask],
    *,
    go: bool = False,
    files: dict[str, str] | None = None,
    how: str = _VALUES_OF,
    called: str = "api-{{HOLE env}}",
    more: str = "",
    env: str = "env",
) -> Repo:
    """An ApplicationSet whose elements say ``replicaCount`` and ``resources.limits.memory``, as the chart does.
    ``values``: where those of prod and of dev stand."""
    text = _HEAD + ("  goTemplate: true\n" if go else "") + more
    text += "  generators:\n" + generators + _EACH.replace("HELM\n", how).replace("NAME", called)
    text = text.replace("{{HOLE env", "{{HOLE " + env)
    for field in (env, "replicaCount", "memory"):
        path = "resources.limits.memory" if field == "memory" else field
        text = text.replace("{{HOLE " + field, "{{" + (f" .{path} " if go else path))
    deploys = [helm(env, where) for env, where in zip(("prod", "dev"), values, strict=True)]
    return Repo(name, chart() | {"sets/api.yaml": text} | (files or {}), deploys, asks)


_BOTH = [right("prod", "spec.replicas", 9), right("dev"), refused("prod", IMAGE, "x.example/a:2")]
_CONFIG = {
    "config/prod.json": '{\n  "env": "prod",\n  "replicaCount": 4,\n  "resources": {"limits": {"memory": "512Mi"}}\n}\n',
    "config/dev.json": '{"env": "dev", "replicaCount": 1, "resources": {"limits": {"memory": "64Mi"}}}\n',
}
_FILES = "{git: {repoURL: 'https://git.example/shop/deploy.git', revision: main, files: [{path: 'config/*.json'}]}}"
_SIZED = """\
              elements:
                - {env: prod, replicaCount: '4', resources: {limits: {memory: 512Mi}}} # two per zone
                - {env: dev, replicaCount: '1', resources: {limits: {memory: 64Mi}}}
"""
_PATCH = """\
  templatePatch: |
    spec:
      source:
        helm:
          {{- if eq .env "prod" }}
          values: |
            replicaCount: {{ .replicaCount }}
            resources: {limits: {memory: {{ .resources.limits.memory }}}}
          {{- else }}
          values: |
            replicaCount: {{ .replicaCount }}
            resources:
              limits: {memory: {{ .resources.limits.memory }}}
          {{- end }}
"""
GENERATED = [
    _generated(
        "a matrix of one list with another",
        "    - matrix:\n        generators:\n          - list: {elements: [{app: api}]}\n          - list:\n"
        + _SIZED,
        [f"sets/api.yaml#spec.generators.0.matrix.generators.1.list.elements.{n}" for n in (0, 1)],
        _BOTH,
        called="{{ .app }}-{{HOLE env}}",
        go=True,
    ),
    _generated(
        "a matrix whose element several Applications are made of",
        "    - matrix:\n        generators:\n          - list: {elements: [{env: prod}, {env: dev}]}\n"
        "          - list: {elements: [{replicaCount: '4', resources: {limits: {memory: 512Mi}}}]}\n",
        ["sets/api.yaml#spec.generators.0.matrix.generators.1.list.elements.0"] * 2,
        [refused("prod", "spec.replicas", 9), refused("dev")],
        go=True,
    ),
    _generated(
        "a matrix of a list with folders",
        "    - matrix:\n        generators:\n          - git: {repoURL: 'https://git.example/shop/deploy.git', directories: [{path: charts/*}]}\n          - list:\n"
        + _SIZED,
        [f"sets/api.yaml#spec.generators.0.matrix.generators.1.list.elements.{n}" for n in (0, 1)],
        _BOTH,
        called="{{ .path.basename }}-{{HOLE env}}",
        go=True,
    ),
    _generated(
        "a merge of a list with a list",
        "    - merge:\n        mergeKeys: [env]\n        generators:\n"
        "          - list: {elements: [{env: prod, replicaCount: '1', resources: {limits: {memory: 32Mi}}}, {env: dev, replicaCount: '1', resources: {limits: {memory: 64Mi}}}]}\n"
        "          - list: {elements: [{env: prod, replicaCount: '4', resources: {limits: {memory: 512Mi}}}]}\n",
        [
            "sets/api.yaml#spec.generators.0.merge.generators.1.list.elements.0",
            "sets/api.yaml#spec.generators.0.merge.generators.0.list.elements.1",
        ],
        _BOTH,
        go=True,
    ),
    _generated(
        "a merge whose keys are not unique",
        "    - merge:\n        mergeKeys: [env]\n        generators:\n"
        f"          - list: {{elements: [{_SIZES}]}}\n"
        f"          - list: {{elements: [{_SIZES}, {_SIZES}]}}\n",
        ["sets/api.yaml#spec.generators.0.merge.generators.1.list.elements.0"] * 2,
        [refused("prod", "spec.replicas", 9)],
        go=True,
    ),
    _generated(
        "files that a generator reads",
        f"    - {_FILES}\n",
        [f"config/{env}.json#" for env in ("prod", "dev")],
        _BOTH,
        go=True,
        files=_CONFIG,
    ),
    _generated(
        "files that two ApplicationSets read, one of them with a plugin's words",
        f"    - {_FILES}\n",
        [f"config/{env}.json#" for env in ("prod", "dev")],
        [refused("prod", "spec.replicas", 9)],
        files=_CONFIG
        | {
            "sets/other.yaml": _HEAD.replace("name: api", "name: other")
            + f"  generators: [{{matrix: {{generators: [{{plugin: {{configMapRef: {{name: p}}}}}}, {_FILES}]}}}}]\n"
            + "  template: {metadata: {name: '{{a}}-other'}, spec: {source: {path: 'elsewhere/{{a}}'}, destination: {}}}\n"
        },
    ),
    _generated(
        "a matrix of files with a list",
        "    - matrix:\n        generators:\n"
        f"          - {_FILES}\n          - list: {{elements: [{{app: api}}]}}\n",
        [f"config/{env}.json#" for env in ("prod", "dev")],
        _BOTH,
        called="{{app}}-{{HOLE env}}",
        files=_CONFIG,
    ),
    _generated(
        "values that a template patch fills in",
        "    - list:\n" + _SIZED,
        [f"sets/api.yaml#spec.generators.0.list.elements.{n}" for n in (0, 1)],
        _BOTH,
        go=True,
        how="",
        more=_PATCH,
    ),
    _generated(
        "a template patch with a function that is not known",
        "    - list:\n" + _SIZED,
        [f"sets/api.yaml#spec.generators.0.list.elements.{n}" for n in (0, 1)],
        [refused("prod", "spec.replicas", 9)],
        go=True,
        more=_PATCH.replace("eq .env", "semverCompare .env"),
    ),
    _generated(
        "a field of an element that chooses it too",
        "    - list:\n"
        + _SIZED
        + "      selector: {matchExpressions: [{key: replicaCount, operator: In, values: ['4', '1']}]}\n",
        [f"sets/api.yaml#spec.generators.0.list.elements.{n}" for n in (0, 1)],
        [refused("prod", "spec.replicas", 9), right("prod")],
        go=True,
    ),
    _generated(
        "files that two ApplicationSets read, one of them for its names",
        f"    - {_FILES}\n",
        [f"config/{env}.json#" for env in ("prod", "dev")],
        [refused("prod", "spec.replicas", 9), right("prod"), right("dev")],
        files=_CONFIG
        | {
            "k8s/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
            "sets/other.yaml": _HEAD.replace("name: api", "name: other")
            + f"  generators: [{_FILES}]\n"
            + "  template: {metadata: {name: 'cm-{{env}}-{{replicaCount}}'}, spec: {destination: {namespace: shop}, source: {repoURL: 'https://git.example/shop/deploy.git', path: k8s}}}\n",
        },
    ),
    _generated(
        "a chart whose only deployer cannot be followed, beside files that are called like environments",
        "    - git: {repoURL: 'https://git.example/shop/deploy.git', directories: [{path: envs/*}], values: {replicaCount: '4', memory: 512Mi}}\n",
        ["sets/api.yaml#spec.generators.0.git.values"] * 2,
        [refused("prod", "spec.replicas", 9), refused("dev", "spec.replicas", 9)],
        files={f"envs/{env}/x.yaml": "a: b\n" for env in ("prod", "dev")},
        how="          values: |\n            replicaCount: {{values.replicaCount}}\n",
        called="api-{{path.basename}}",
    ),
    _generated(
        "a value that every element of a generator gets",
        "    - git: {repoURL: 'https://git.example/shop/deploy.git', directories: [{path: envs/*}], values: {replicaCount: '4', memory: 512Mi}}\n",
        ["sets/api.yaml#spec.generators.0.git.values"] * 2,
        [refused("prod", "spec.replicas", 9), refused("dev", "spec.replicas", 9)],
        files={f"envs/{env}/x.yaml": "a: b\n" for env in ("prod", "dev")},
        how="          values: |\n            replicaCount: {{values.replicaCount}}\n",
        called="api-{{path.basename}}",
        env="path.basename",
    ),
    _generated(
        "a field of an element that says where to deploy too",
        "    - list: {elements: [{env: prod, replicaCount: '4', resources: {limits: {memory: 512Mi}}}, {env: dev, replicaCount: '4', resources: {limits: {memory: 64Mi}}}]}\n",
        [f"sets/api.yaml#spec.generators.0.list.elements.{n}" for n in (0, 1)],
        [refused("prod", "spec.replicas", 9), right("dev")],
        called="api-{{HOLE env}}-{{HOLE replicaCount}}",
        go=True,
    ),
]

_LITERAL = application(
    "prod",
    API,
    "    helm:\n      releaseName: api\n      values: |\n        replicaCount: 7\n        resources: {limits: {memory: 1Gi}}\n",
).replace("name: prod-cluster", 'name: "{{ .Values.cluster }}"')
_ROOTED = chart() | {
    "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 0.1.0\n",
    "apps/values.yaml": "cluster: prod-cluster\n",
    "apps/templates/api.yaml": _LITERAL,
}
_ROOT = {"root.yaml": application("prod", "apps", name="root", namespace="argocd")}
ROOTS = [
    Repo(
        "values as they stand in a template of an app of apps",
        _ROOTED | _ROOT,
        [_laid("prod", "apps/templates/api.yaml", "spec.source.helm.values")],
        [right("prod"), right("prod", "spec.replicas", 9)],
    ),
    Repo(
        "a template of an app of apps that two releases install",
        _ROOTED
        | _ROOT
        | {
            "dev.yaml": application(
                "dev",
                "apps",
                "    helm: {valueFiles: [dev.yaml]}\n",
                name="dev",
                namespace="argocd",
            )
        }
        | {"apps/dev.yaml": "cluster: dev-cluster\n"},
        [
            _laid(env, "apps/templates/api.yaml", "spec.source.helm.values")
            for env in ("prod", "dev")
        ],
        [refused("prod"), refused("dev", "spec.replicas", 9)],
    ),
]

_FLEET = """\
namespace: shop
helm:
  releaseName: api
targetCustomizations:
  - name: staging
    clusterSelector: {matchLabels: {env: staging}}
  - name: prod
    clusterSelector: {matchLabels: {env: prod}}
    helm:
      values:
        replicaCount: 4 # two per zone
"""
_INLINE = """\
environments:
  prod: {}
---
releases:
  - name: api
    namespace: shop
    chart: ./charts/api
    values:
      - replicaCount: 5 # of all
"""
_TARGETS = [
    helm(env, f"{API}/fleet.yaml#targetCustomizations.{at}.helm.values?")
    for at, env in enumerate(("staging", "prod"))
]
OWN = [
    Repo(
        "an Application without values beside another that has some",
        chart()
        | {
            "argocd/prod.yaml": application("prod", API),
            "argocd/dev.yaml": application(
                "dev", API, "    helm: {valuesObject: {replicaCount: 1}}\n"
            ),
        },
        [helm(env, f"argocd/{env}.yaml#spec.source.helm.valuesObject?") for env in ("prod", "dev")],
        [right("prod"), right("prod", "spec.replicas", 9), right("dev", "spec.replicas", 5)],
    ),
    Repo(
        "two Applications without values",
        chart() | {f"argocd/{env}.yaml": application(env, API) for env in ("prod", "dev")},
        [helm(env) for env in ("prod", "dev")],
        [refused("prod"), refused("dev", "spec.replicas", 5)],
    ),
    Repo(
        "a target of Fleet without values beside another",
        chart() | {f"{API}/fleet.yaml": _FLEET},
        [*_TARGETS, helm("unknown")],
        [right("staging", "spec.replicas", 9), right("staging"), right("prod", "spec.replicas", 9)],
    ),
    Repo(
        "a target of Fleet in the older list",
        chart() | {f"{API}/fleet.yaml": _FLEET.replace("targetCustomizations", "targets")},
        [
            helm(env, f"{API}/fleet.yaml#targets.{at}.helm.values?")
            for at, env in enumerate(("staging", "prod"))
        ],
        [right("staging", "spec.replicas", 9), right("prod", "spec.replicas", 9)],
    ),
    Repo(
        "values inside of a helmfile of two documents",
        chart() | {"helmfile.yaml": _INLINE},
        [],
        [],
    ),
]

REPOS = [
    *ALIASES,
    *UNSET,
    *UMBRELLAS,
    *APPLICATIONS,
    *VALUES_FROM,
    *APPS,
    *MISSING,
    *ON_TOP,
    *LITERALS,
    *OWN,
    *FILLED,
    *INFLATED,
    *SETS,
    *GENERATED,
    *ROOTS,
]
