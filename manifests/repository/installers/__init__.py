"""Who renders which file, with what, into which cluster, namespace and environment. Pure.

``read_map`` reads all installers of a repository; ``Map.reaching`` names those that read a file; ``destinations`` says
where a file deploys to.
"""

from __future__ import annotations

from manifests.repository.installers.destinations import Destination, destinations
from manifests.repository.installers.mapping import may_force, may_tell, read_map
from manifests.repository.installers.model import Installer, Map

__all__ = ["Destination", "Installer", "Map", "destinations", "may_force", "may_tell", "read_map"]
