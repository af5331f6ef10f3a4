"""A Kubernetes API server to play with: real paths, real errors, no kubelet. State is a ``Cluster`` that scenarios drive.

    cluster = Cluster()
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    async with serve(create_app(cluster, token="sandbox")) as url: ...

What it says and refuses follows kube-apiserver v1.37; the contract suite runs the same cases on both.
"""

from sandbox.kubernetes.server import create_app
from sandbox.kubernetes.store import Cluster

__all__ = ["Cluster", "create_app"]
