"""Pods that find no node or no volume. The scheduler and the volume controller say it themselves."""

from __future__ import annotations

from lab.faults import fault
from lab.scene import App, Scene


def unplaced(scene: Scene, app: App, words: str) -> None:
    """The scheduler says these words about the application's pods."""
    scene.broken.add(app.name)
    scene.visible.append(lambda live: live.said(app, "FailedScheduling", words))


@fault("scheduling", "node_selector_mismatch")
def node_selector(scene: Scene, app: App) -> str:
    """The nodeSelector names a label, or a value, that no node has."""
    unplaced(scene, app, "node affinity/selector")
    pool = scene.fleet.workers[0]["metadata"]["labels"]["pool"]
    app.spec["nodeSelector"] = scene.pick((
        {"pool": scene.words.misspelt(pool)}, {"disktype": "ssd"}, {f"{scene.words.word()}.example.com/class": "fast"},
        {"kubernetes.io/hostname": scene.words.word()}, {"pool": pool, "topology.kubernetes.io/zone": scene.words.word()},
    ))  # fmt: skip
    return ""
