"""A real image registry for tests: CNCF Distribution, built once from its Go module (``tools/realparts/images/build``).

It listens on a free loopback port, keeps what is pushed in a folder of its own, and dies when this process does.

    with running() as registry:
        registry.push("shop/web", "1.0", ("linux/amd64", "linux/arm64"))
"""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from kfix.engine.broker.embedded import free_port
from tools.realparts.programs import built, serving

BUILD = Path(__file__).parent / "images" / "build"
_READY_WITHIN_S = 30.0
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


@functools.cache
def program() -> Path:
    """The registry's program, built where needed. Raises Unbuildable."""
    return built("the image registry", BUILD) / "registry"


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """A running registry."""

    url: str
    client: httpx.Client

    def push(self, repository: str, tag: str, platforms: Iterable[str]) -> str:
        """An index for several platforms, a manifest for one; over the API. Returns its digest."""
        made = [self._image(repository, platform) for platform in platforms]
        if len(made) == 1:
            return self._manifest(repository, tag, _MANIFEST, made[0][1])
        listed = [
            {
                "mediaType": _MANIFEST,
                "digest": self._manifest(repository, _digest(body), _MANIFEST, body),
                "size": len(body),
                "platform": parts,
            }
            for parts, body in made
        ]
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": listed}
        return self._manifest(repository, tag, _INDEX, json.dumps(index).encode())

    def _image(self, repository: str, platform: str) -> tuple[dict[str, str], bytes]:
        parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        rootfs = {"type": "layers", "diff_ids": []}
        config = json.dumps({**parts, "config": {}, "rootfs": rootfs}).encode()
        started = self.client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
        where = httpx.URL(started.headers["location"]).copy_merge_params(
            {"digest": _digest(config)}
        )
        self.client.put(where, content=config).raise_for_status()
        told = {"mediaType": _CONFIG, "digest": _digest(config), "size": len(config)}
        manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": told, "layers": []}
        return parts, json.dumps(manifest).encode()

    def _manifest(self, repository: str, reference: str, media_type: str, body: bytes) -> str:
        path = f"/v2/{repository}/manifests/{reference}"
        headers = {"content-type": media_type}
        self.client.put(path, content=body, headers=headers).raise_for_status()
        return _digest(body)


@contextmanager
def running() -> Iterator[RealRegistry]:
    """A registry that holds nothing yet. Raises Unbuildable."""
    binary, port = program(), free_port()
    with tempfile.TemporaryDirectory() as scratch:
        settings, log = Path(scratch) / "config.yml", Path(scratch) / "registry.log"
        settings.write_text(_settings(port, Path(scratch) / "images"), "utf-8")
        url = f"http://127.0.0.1:{port}"
        with (
            httpx.Client(base_url=url, trust_env=False, timeout=10) as client,
            serving(
                "the registry",
                [str(binary), "serve", str(settings)],
                folder=Path(scratch),
                log=log,
                ready=lambda: client.get("/v2/").status_code == 200,
                within_s=_READY_WITHIN_S,
            ),
        ):
            yield RealRegistry(url, client)


def _settings(port: int, folder: Path) -> str:
    return json.dumps(
        {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(folder)}},
            "http": {"addr": f"127.0.0.1:{port}", "secret": "tests"},
        }
    )


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
