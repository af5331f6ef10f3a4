"""Faults that are repaired without a good revision to go back to, and the like ones that only people may judge."""

from __future__ import annotations

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.faults import fault


def _unstarted(
    c: Cluster, app: str, word: str, why: str = "executable file not found in $PATH"
) -> None:
    c.crashed(
        app, 128, message=f'failed to create task: exec: "{word}": {why}', reason="StartError"
    )


def _specs(c: Cluster, app: str) -> tuple[Obj, ...]:
    return c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]


@fault("bad_command", "slip of a known program")
def _(c: Cluster, app: str) -> None:
    c.container(app)["command"] = ["/usr/bin/pyton3", "-m", "shop"]
    _unstarted(c, app, "/usr/bin/pyton3", "stat /usr/bin/pyton3: no such file or directory")


@fault("bad_command", "slip in a shell's line")
def _(c: Cluster, app: str) -> None:
    c.container(app)["command"] = ["/bin/sh", "-c"]
    c.container(app)["args"] = ["wge -q -O /tmp/x http://store/x && exec serve --wge=1"]
    c.crashed(app, 127, "/bin/sh: 1: wge: not found")


@fault("bad_command", "slip of a sibling's program")
def _(c: Cluster, app: str) -> None:
    twin = c.app()
    c.container(twin)["image"] = "registry.example/ledger:1.1"
    c.container(twin)["command"] = ["/opt/ledger/bin/ledgerd"]
    c.container(app)["image"] = "registry.example/ledger:1.2"
    c.container(app)["command"] = ["/opt/ledger/bin/legderd"]
    _unstarted(c, app, "/opt/ledger/bin/legderd", "no such file or directory")


@fault("bad_command", "the image has its own")
def _(c: Cluster, app: str) -> None:
    c.revise(app, command=["/srv/start"], args=["--fast"])
    _unstarted(c, app, "/srv/start", "no such file or directory")


@fault("bad_command", "another image and its words")
def _(c: Cluster, app: str) -> None:
    c.container(app)["command"] = ["/srv/one"]
    c.revise(app, command=["/srv/two"], image=f"registry.example/{app}:2.0")
    _unstarted(c, app, "/srv/two", "no such file or directory")


@fault("bad_command", "a known program that the image lacks")
def _(c: Cluster, app: str) -> None:
    c.container(app)["command"] = ["bash", "-c", "serve"]
    _unstarted(c, app, "bash")


@fault("bad_command", "a word between two programs")
def _(c: Cluster, app: str) -> None:
    c.container(app)["command"] = ["nodd"]
    c.container(c.app())["command"] = ["noda"]
    _unstarted(c, app, "bsh")


def _mounted_script(c: Cluster, app: str, **volume: object) -> None:
    c.add("configmaps", "hooks", kind="ConfigMap", data={"run.sh": "#!/bin/sh\nexec serve\n"})
    c.container(app)["command"] = ["/hooks/run.sh"]
    c.container(app)["volumeMounts"] = [{"name": "hooks", "mountPath": "/hooks"}]
    for spec in _specs(c, app):
        spec["volumes"] = [{"name": "hooks", "configMap": {"name": "hooks", **volume}}]
    _unstarted(c, app, "/hooks/run.sh", "permission denied")


@fault("bad_command", "a mounted script without its mode")
def _(c: Cluster, app: str) -> None:
    _mounted_script(c, app)


@fault("bad_command", "a mounted script that may be executed")
def _(c: Cluster, app: str) -> None:
    _mounted_script(c, app, defaultMode=0o755)
