"""Credentials of registries, in the file that ``docker login`` writes.

Source: github.com/docker/cli ``cli/config``; kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path

from kfix.incident.images import parse
from kfix.infra.settings import BadSettings


def read_credentials(file: str) -> dict[str, str]:
    """The header ``Authorization`` by registry as images name it. Raises BadSettings, never with what is in the file."""
    if not file:
        return {}
    name = "KFIX_IMAGES_CREDENTIALS_FILE"
    try:
        auths = json.loads(Path(file).read_text("utf-8"))["auths"]
        return {_host(key): _basic(entry) for key, entry in auths.items() if entry}
    except OSError as failure:
        raise BadSettings((f"{name}: {failure.strerror}",)) from None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise BadSettings((f"{name}: no file as docker login writes it",)) from None


def _basic(entry: dict[str, str]) -> str:
    pair = (
        base64.b64decode(entry["auth"], validate=True)
        if entry.get("auth")
        else (f"{entry['username']}:{entry['password']}".encode())
    )
    if b":" not in pair:
        raise ValueError("no user and password")
    return f"Basic {base64.b64encode(pair).decode()}"


def _host(key: str) -> str:
    """``https://index.docker.io/v1/`` is how the file names Docker Hub."""
    host = key.partition("://")[2] or key
    found = parse(f"{host.partition('/')[0]}/any")
    return found.host if found is not None else host
