"""Nodes and the control plane: nothing of it is mended by an application's manifests."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, of

_one = of(
    "nodes",
    "kubernetes.io: Nodes; kubelet pkg/kubelet/nodestatus",
    plans="",
    severity="critical",
    symptoms="pods of several workloads on one node fail together",
    confounders="pods of one workload only",
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="node_runtime_unavailable",
        en="The node's container runtime does not run",
        fr="Le runtime de conteneurs du nœud est arrêté",
        evidence="dial unix …containerd.sock; ContainerGCFailed; PLEG is not healthy",
    ),
    _one(
        id="node_kubelet_unavailable",
        en="The node's kubelet does not report",
        fr="Le kubelet du nœud ne répond plus",
        evidence="Ready Unknown: Kubelet stopped posting node status; NodeNotReady",
        confounders="the node's network is cut",
    ),
    _one(
        id="node_kube_proxy_unavailable",
        en="kube-proxy does not run on the node",
        fr="kube-proxy est arrêté sur le nœud",
        evidence="no Service reachable from one node; its kube-proxy pod is down",
    ),
    _one(
        id="node_network_plugin_unavailable",
        en="The node's network plugin does not run",
        fr="Le plugin réseau du nœud est arrêté",
        evidence="NetworkPluginNotReady; cni plugin not initialized; NetworkUnavailable True",
    ),
    _one(
        id="scheduler_unavailable",
        en="The scheduler does not run",
        fr="L'ordonnanceur est arrêté",
        symptoms="new pods stay Pending",
        evidence="Pending pods without PodScheduled condition or event",
        confounders="a foreign schedulerName",
    ),
    _one(
        id="controller_manager_unavailable",
        en="The controllers do not act on changes",
        fr="Les contrôleurs n'appliquent plus les changements",
        symptoms="changes have no effect",
        evidence="metadata.generation ahead of status.observedGeneration for a long time",
        confounders="a change of this second",
    ),
    _one(
        id="node_not_ready",
        en="The node is not ready",
        fr="Le nœud n'est pas prêt",
        evidence="Ready False",
    ),
    _one(
        id="node_pressure",
        en="The node is short of memory, disk or process ids",
        fr="Le nœud manque de mémoire, de disque ou de PID",
        evidence="MemoryPressure, DiskPressure, PIDPressure; Evicted: The node was low on resource",
    ),
    _one(
        id="node_network_delay",
        en="The node's network is slow",
        fr="Le réseau du nœud est lent",
        evidence="services of one node slow together",
    ),
    _one(
        id="node_network_loss",
        en="The node's network loses packets",
        fr="Le réseau du nœud perd des paquets",
        evidence="TCP retransmissions rise on one node",
    ),
)
