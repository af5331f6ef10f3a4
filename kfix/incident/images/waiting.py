"""Containers whose image does not come, or came and cannot run. Pure.

Source: kubelet ``pkg/kubelet/images/types.go``; the kernel's ENOEXEC.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from manifests.objects.meta import is_deleting, name_of, namespace_of
from manifests.objects.pods import Pod
from manifests.objects.shapes import Obj, mapping

#: Waiting reasons of a container whose image does not come.
PULLING = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "ImageInspectError",
    }
)
#: What is said of a program that is built for another processor.
NOT_FOR_HERE = "exec format error"


def troubled(
    pod: Obj, misfits: Container[tuple[str, str, str]] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Name and image of a pod's containers that lack a usable image.

    ``misfits``: namespace, pod and container of those whose own last words say so.
    """
    if is_deleting(pod):
        return
    place = namespace_of(pod), name_of(pod)
    for container in Pod(pod).containers():
        said = f"{container.waiting.get('message')} {container.terminated.get('message')}"
        told = NOT_FOR_HERE in said or (*place, container.name) in misfits
        if told or container.waiting.get("reason") in PULLING:
            image = container.spec.get("image") or container.status.get("image")
            if image:
                yield container.name, str(image)


def running(pod: Obj) -> Iterator[str]:
    """Images of a pod's containers that run."""
    for container in Pod(pod).containers():
        image = container.spec.get("image")
        if image and (container.ready or mapping(container.status, "state", "running")):
            yield str(image)
