"""The kinds the sandbox's API server serves, and how their paths and names are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource. ``version`` is ``v1`` or ``group/version``."""

    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: str = ""

    @property
    def group(self) -> str:
        """API group, empty for the core."""
        return self.version.rpartition("/")[0]

    @property
    def resource(self) -> str:
        """``deployments.apps``, as errors name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _table() -> tuple[Kind, ...]:
    rows = """
v1 pods Pod n po
v1 services Service n svc
v1 endpoints Endpoints n ep
v1 events Event n ev
v1 configmaps ConfigMap n cm
v1 secrets Secret n
v1 serviceaccounts ServiceAccount n sa
v1 persistentvolumeclaims PersistentVolumeClaim n pvc
v1 resourcequotas ResourceQuota n quota
v1 limitranges LimitRange n limits
v1 replicationcontrollers ReplicationController n rc
v1 namespaces Namespace c ns
v1 nodes Node c no
v1 persistentvolumes PersistentVolume c pv
apps/v1 deployments Deployment n deploy
apps/v1 replicasets ReplicaSet n rs
apps/v1 statefulsets StatefulSet n sts
apps/v1 daemonsets DaemonSet n ds
apps/v1 controllerrevisions ControllerRevision n
batch/v1 jobs Job n
batch/v1 cronjobs CronJob n cj
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler n hpa
policy/v1 poddisruptionbudgets PodDisruptionBudget n pdb
networking.k8s.io/v1 ingresses Ingress n ing
networking.k8s.io/v1 networkpolicies NetworkPolicy n netpol
networking.k8s.io/v1 ingressclasses IngressClass c
discovery.k8s.io/v1 endpointslices EndpointSlice n
storage.k8s.io/v1 storageclasses StorageClass c sc
scheduling.k8s.io/v1 priorityclasses PriorityClass c pc
rbac.authorization.k8s.io/v1 roles Role n
rbac.authorization.k8s.io/v1 rolebindings RoleBinding n
"""
    kinds = []
    for row in rows.strip().splitlines():
        version, plural, kind, scope, *short = row.split()
        kinds.append(Kind(version, plural, kind, scope == "n", short[0] if short else ""))
    return tuple(kinds)


BUILT_IN: tuple[Kind, ...] = _table()
