"""Texts of which repositories are put together."""

from __future__ import annotations

from tools.repositories.model import IMAGE, K


def deployment(name: str, count: int = 2, memory: str = "256Mi", namespace: str = "") -> str:
    """A workload with one container."""
    where = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}{where}}}\nspec:\n  replicas: {count}\n"
        f"  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n"
        f"    spec:\n      containers:\n        - name: api\n          image: {IMAGE}:1.0.0\n"
        f"          resources:\n            limits:\n              memory: {memory}\n"
    )


def service(name: str) -> str:
    """Its Service."""
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n"
        f"  selector: {{app: {name}}}\n  ports:\n    - port: 80\n"
    )


def kustomization(*resources: str, more: str = "") -> str:
    """A kustomization file."""
    listed = "".join(f"  - {one}\n" for one in resources)
    return f"{K}resources:\n{listed}{more}"


_TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: {{ .Values.replicaCount }}
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME}
    spec:
      containers:
        - name: api
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
"""


def template(name: str = "{{ .Release.Name }}") -> str:
    """A chart's template of a workload with one container."""
    return _TEMPLATE.replace("NAME", name)


VALUES = f"""\
replicaCount: 2
image:
  repository: {IMAGE}
  tag: 1.0.0
resources:
  limits:
    memory: 256Mi
"""


def chart(folder: str, *, name: str = "{{ .Release.Name }}", more: str = "") -> dict[str, str]:
    """A chart of one workload and its Service."""
    called = folder.rpartition("/")[2]
    return {
        f"{folder}/Chart.yaml": f"apiVersion: v2\nname: {called}\nversion: 0.1.0\n{more}",
        f"{folder}/values.yaml": VALUES,
        f"{folder}/templates/deployment.yaml": template(name),
        f"{folder}/templates/service.yaml": service("NAME").replace("NAME", f"'{name}'"),
    }


def application(name: str, env: str, path: str, namespace: str, more: str = "") -> str:
    """An Argo CD Application in the cluster of its environment."""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\nspec:\n"
        f"  project: default\n  destination:\n    name: {env}-cluster\n    namespace: {namespace}\n"
        f"  source:\n    repoURL: https://git.example/shop/deploy.git\n    path: {path}\n    targetRevision: main\n{more}"
    )


def application_set(generator: str, name: str, path: str, namespace: str, more: str = "") -> str:
    """An ApplicationSet."""
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata:\n  name: api\n  namespace: argocd\nspec:\n"
        f"  generators:\n{generator}  template:\n    metadata:\n      name: '{name}'\n    spec:\n      project: default\n"
        f"      destination:\n        name: in-cluster\n        namespace: {namespace}\n      source:\n"
        f"        repoURL: https://git.example/shop/deploy.git\n        path: '{path}'\n        targetRevision: main\n{more}"
    )


def flux(path: str, more: str = "", name: str = "apps") -> str:
    """A Flux Kustomization."""
    return (
        f"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n"
        f"  namespace: flux-system\nspec:\n  interval: 5m\n  path: {path}\n  prune: true\n"
        f"  sourceRef:\n    kind: GitRepository\n    name: flux-system\n{more}"
    )


def helm_release(name: str, namespace: str, values: str, more: str = "") -> str:
    """A HelmRelease of a chart of this repository; ``values`` indented by four."""
    return (
        f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"
        "spec:\n  interval: 5m\n  chart:\n    spec:\n      chart: ./charts/api\n      sourceRef:\n"
        f"        kind: GitRepository\n        name: flux-system\n        namespace: flux-system\n{more}{values}"
    )
