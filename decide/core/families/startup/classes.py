"""Containers that do not start."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, of

_image = of(
    "startup",
    "containerd and CRI-O pull errors; kubelet pkg/kubelet/images",
    symptoms="ImagePullBackOff, ErrImagePull",
    confounders="an old pull of a pod that is gone",
)
_one = of(
    "startup",
    "kubelet pkg/kubelet/kuberuntime; runc",
    symptoms="containers that never run",
    confounders="an event of a pod that is gone",
)

CLASSES: tuple[FailureClass, ...] = (
    _image(
        id="image_not_found",
        en="The image or tag does not exist in its registry",
        fr="L'image ou le tag n'existe pas dans le registre",
        evidence="not found; manifest unknown; InvalidImageName; ErrImageNeverPull",
        plans="the image that ran before; the registry or tag that siblings use",
    ),
    _image(
        id="image_registry_unreachable",
        en="The registry's name does not resolve or it does not answer",
        fr="Le registre ne se résout pas ou ne répond pas",
        evidence="lookup … no such host; i/o timeout; connection refused; toomanyrequests on pull",
        plans="the image that ran before; the registry that siblings use",
    ),
    _image(
        id="image_pull_secret_missing",
        en="The pull secret is missing or wrong",
        fr="Le secret de pull manque ou est faux",
        evidence="FailedToRetrieveImagePullSecret; 401 Unauthorized; denied; authentication required",
        plans="an existing pull secret; the image that ran before",
    ),
    _image(
        id="image_platform_mismatch",
        en="The image is built for another platform",
        fr="L'image vise une autre plateforme",
        evidence="no match for platform in manifest; exec format error",
        confounders="a script without its first line",
        plans="the image that ran before; nodes of the image's architecture",
    ),
    _one(
        id="config_reference_missing",
        en="A ConfigMap or Secret (or a key of it) that the pods need does not exist",
        fr="Un ConfigMap ou Secret (ou une clé) requis n'existe pas",
        evidence="CreateContainerConfigError: secret … not found; couldn't find key … in …; FailedMount: references non-existent secret key",
        plans="the reference or key that exists; the object that the repository declares; the last good revision",
    ),
    _one(
        id="bad_command",
        en="The container's command cannot be run",
        fr="La commande du conteneur ne peut être exécutée",
        evidence="exec: …: executable file not found in $PATH; no such file or directory; exit 126, 127",
        plans="the command that ran before; the image's own command",
    ),
    _one(
        id="volume_permission_denied",
        en="The process may not write or read its volume",
        fr="Le processus n'a pas accès à son volume",
        symptoms="CrashLoopBackOff",
        evidence="Permission denied; Read-only file system; Operation not permitted on a mounted path",
        plans="fsGroup of the process; a writable mount where it was made read-only; the last good revision",
    ),
    _one(
        id="file_permission_denied",
        en="The process may not touch a file of its own image",
        fr="Le processus n'a pas accès à un fichier de son image",
        symptoms="CrashLoopBackOff",
        evidence="Permission denied on a path that is no mount; readOnlyRootFilesystem; runAsUser",
        confounders="a volume's permissions",
        plans="an emptyDir at the path that it writes; the last good revision",
    ),
    _one(
        id="volume_mount_failed",
        en="A volume cannot be mounted",
        fr="Un volume ne peut être monté",
        evidence="FailedMount; FailedAttachVolume",
        plans="the last good revision",
    ),
    _one(
        id="pod_network_setup_failed",
        en="The node cannot set up the pod's network",
        fr="Le nœud ne peut établir le réseau du pod",
        evidence="FailedCreatePodSandBox: plugin type=… failed (add): no IP addresses available in range set",
        plans="",
        confounders="the container runtime is down",
        severity="critical",
    ),
    _one(
        id="init_container_failing",
        en="An init container fails",
        fr="Un conteneur d'initialisation échoue",
        symptoms="Init:Error, Init:CrashLoopBackOff",
        evidence="a terminated init container with an exit code",
        confounders="a dependency that it waits for",
        plans="the last good revision",
    ),
    _one(
        id="container_create_failed",
        en="The runtime cannot create the container",
        fr="Le runtime ne peut créer le conteneur",
        evidence="CreateContainerError; RunContainerError",
        plans="the last good revision",
    ),
    _one(
        id="missing_env",
        en="A required environment variable is missing",
        fr="Une variable d'environnement requise manque",
        symptoms="CrashLoopBackOff",
        evidence="NAME is not set; KeyError: 'NAME'; NAME: unbound variable",
        confounders="an optional variable",
        plans="the value that it had before or that the repository or a sibling declares",
    ),
)
