"""Workloads of the made-up rollouts, for the server and for the arithmetic. Pure."""

from __future__ import annotations

from tools.lab.rollouts.cases import Case, Json, Step

NAME = "w"


def workload(case: Case, step: Step, namespace: str) -> Json:
    """The object as a step declares it."""
    spec: Json = {
        "selector": {"matchLabels": {"app": NAME}},
        "template": template(case, step),
    }
    if case.kind == "Deployment":
        spec |= {"replicas": step.replicas, "strategy": case.strategy, "paused": step.paused}
    else:
        spec["updateStrategy"] = case.strategy
    if case.kind == "StatefulSet":
        managed = "Parallel" if case.parallel else "OrderedReady"
        spec |= {"replicas": step.replicas, "serviceName": NAME, "podManagementPolicy": managed}
    meta = {"name": NAME, "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": case.kind, "metadata": meta, "spec": spec}


def template(case: Case, step: Step) -> Json:
    """The pod template; a DaemonSet's runs on as many nodes as the step wants."""
    container = {
        "name": "app",
        "image": f"r.invalid/{step.template}:1",
        "resources": {"requests": {"cpu": f"{case.cpu[step.template]}m"}},
    }
    spec: Json = {"containers": [container], "terminationGracePeriodSeconds": 0}
    if case.kind == "DaemonSet":
        spec["nodeSelector"] = {f"first{step.replicas}": "yes"}
    return {"metadata": {"labels": {"app": NAME}}, "spec": spec}
