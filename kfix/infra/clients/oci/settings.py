"""Settings of the questions to image registries. Prefix ``KFIX_IMAGES_``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class ImageRegistries(Settings):
    """Image registries, asked whether an image exists before it is proposed. Read-only; nothing is pulled."""

    model_config = SettingsConfigDict(env_prefix="KFIX_IMAGES_")

    #: ``false``: no registry is ever asked, and every plan that names an image says so.
    ask: bool = True
    #: The only registries that may be asked, as images name them (`docker.io`, `registry.corp.example:5000`). Empty: those
    #: of images that run in the cluster, at public addresses alone, and those of ``urls``.
    hosts: tuple[str, ...] = ()
    #: Where a registry really is, by its name in images: a mirror, a private address, plain http
    #: (`{"docker.io": "https://mirror.corp.example"}`).
    urls: dict[str, str] = Field(default_factory=dict)
    #: Where a registry hands out tokens, by its name in images, if that is another host than its own. Known already:
    #: Docker Hub's and GitLab.com's. A token service that nobody named gets no request.
    token_urls: dict[str, str] = Field(default_factory=dict)
    #: A file as ``docker login`` writes it (`{"auths": {host: {"auth": …}}}`), which is what a Secret of type
    #: ``kubernetes.io/dockerconfigjson`` holds; the account needs to pull, no more. Empty: anonymous.
    credentials_file: str = ""
    #: PEM file of a private certificate authority; empty: the bundled ones.
    ca_file: str = ""
    #: Seconds for one request. Registries answer in a tenth of one.
    timeout_s: float = Field(default=5.0, gt=0)
    #: Images asked about for one alert: the wanted ones, their revisions and relatives. Docker Hub lets strangers ask 100
    #: times in six hours.
    images: int = Field(default=12, ge=1, le=100)
    #: Tags read of one repository, 500 a page; with more of them the nearest may not be among those read.
    tags: int = Field(default=2000, ge=0, le=20_000)
    #: Registries asked at once, for one alert.
    at_once: int = Field(default=4, ge=1, le=50)
