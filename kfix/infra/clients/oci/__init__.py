"""Image registries over the OCI distribution API: does an image exist, for which platforms, which tags are there.

Nothing is pulled and nothing is pushed. Who may be asked, and under which address, the settings say
(``kfix.infra.clients.oci.settings``).
API: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md; tokens:
https://distribution.github.io/distribution/spec/auth/token.
"""

from kfix.infra.clients.oci.asking import Registries, open_registries
from kfix.infra.clients.oci.settings import ImageRegistries

__all__ = ["ImageRegistries", "Registries", "open_registries"]
