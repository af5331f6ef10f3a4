"""What other stages say, in French. Records speak English, whoever reads them; French is made where people read.

A sentence that is not known here is shown as it was said: readable in one language beats unreadable in two.
"""

from __future__ import annotations

import re

from publish.core.wording import Language

#: Sentences of safety's checks, of the search for the line, and of refusals: a pattern over the whole sentence, and what it
#: is in French. ``\N`` is the N-th quotation.
_SENTENCES: tuple[tuple[str, str], ...] = (
    # checks
    (r"(\S+) is a protected namespace", r"\1 est un espace de noms protégé"),
    (r"policy proposes nothing in (\w+)", r"la politique ne propose rien en \1"),
    (r"(\w+): it may merge by itself", r"\1 : la fusion automatique est permise"),
    (r"(\w+): a person merges", r"\1 : une personne fusionne"),
    (r"policy does not allow (\w+) here", r"la politique ne permet pas \1 ici"),
    (r"(\S+) would be deleted", r"\1 serait supprimé"),
    (r"(\S+) guards others", r"\1 protège d'autres objets"),
    (r"(\S+) would be removed", r"\1 serait retiré"),
    (r"(\w+) is allowed and removes no guard", r"\1 est permis et ne retire aucune protection"),
    (
        r"(.+): request (\S+) is above limit (\S+)",
        r"\1 : la requête \2 dépasse la limite \3",
    ),
    (r"each request is within its limit", r"chaque requête respecte sa limite"),
    (r"within the ceilings of the policy", r"sous les plafonds de la politique"),
    (r"minReplicas (\d+) is above maxReplicas (\d+)", r"minReplicas \1 dépasse maxReplicas \2"),
    (
        r"an autoscaler owns the replicas: change its bounds instead",
        r"un autoscaler gère les réplicas : changer plutôt ses bornes",
    ),
    (r"(.+) (\S+) is above the ceiling of (\S+)", r"\1 \2 dépasse le plafond de \3"),
    (r"(.+) grows by more than (\S+) times", r"\1 est multiplié par plus de \2"),
    (r"no pod changes", r"aucun pod ne change"),
    (r"no nodes were collected", r"aucun nœud n'a été relevé"),
    (
        r"no schedulable node says what it can give",
        r"aucun nœud ordonnançable ne dit ce qu'il peut donner",
    ),
    (
        r"a pod asks for (\S+) (\w+), the largest node has (\S+)",
        r"un pod demande \1 de \2, le plus grand nœud a \3",
    ),
    (r"a pod fits on the largest node", r"un pod tient sur le plus grand nœud"),
    (r"no disruption budgets were collected", r"aucun budget d'interruption n'a été relevé"),
    (r"no disruption budget is touched", r"aucun budget d'interruption n'est concerné"),
    (r"every budget keeps its room", r"chaque budget garde sa marge"),
    (
        r"budget (\S+) would not guard these pods any more",
        r"le budget \1 ne protégerait plus ces pods",
    ),
    (
        r"budget (\S+): with (\S+) replicas (\S+) (\S+) leaves no room for an eviction",
        r"budget \1 : avec \2 réplicas, \3 \4 ne laisse aucune marge d'éviction",
    ),
    (r"the same change ended as (\w+) in (\S+)", r"le même changement a fini en \1 dans \2"),
    (r"(\w+) failed (\d+) times on this object", r"\1 a échoué \2 fois sur cet objet"),
    (
        r"the memory of earlier incidents was not reachable",
        r"la mémoire des incidents passés n'était pas joignable",
    ),
    (
        r"this kind of fix worked (\d+) and failed (\d+) times",
        r"ce type de correctif a réussi \1 fois et échoué \2 fois",
    ),
    (r"not tried before", r"jamais essayé"),
    (
        r"the repository declares this already; the cluster does not follow it",
        r"le dépôt déclare déjà cela ; le cluster ne le suit pas",
    ),
    (r"(\d+) file\(s\), and no other byte", r"\1 fichier(s), et aucun autre octet"),
    (r"not checked", r"non contrôlé"),
    (
        r"the plan is for (.+), connected is a cluster without a name",
        r"le plan concerne \1, le cluster connecté n'a pas de nom",
    ),
    (r"the plan is for (.+), connected is (\S+)", r"le plan concerne \1, connecté est \2"),
    (r"offline: no server was asked", r"hors ligne : aucun serveur n'a été interrogé"),
    (r"no quotas were collected", r"aucun quota n'a été relevé"),
    (
        r"quota (\S+) does not say how much (\S+) is used",
        r"le quota \1 ne dit pas combien de \2 est utilisé",
    ),
    (r"quota (\S+): (\S+) would be (\S+) of (\S+)", r"quota \1 : \2 serait à \3 sur \4"),
    (
        r"quota (\S+): (\S+) is (\S+) of (\S+) while it rolls out",
        r"quota \1 : \2 est à \3 sur \4 pendant le déploiement",
    ),
    (
        r"quota (\S+) counts (\S+), of which container (\S+) says nothing",
        r"le quota \1 compte \2, dont le conteneur \3 ne dit rien",
    ),
    (r"no limit ranges were collected", r"aucun LimitRange n'a été relevé"),
    (
        r"(.+): (\S+) request (\S+) is below the minimum (\S+)",
        r"\1 : la requête \2 de \3 est sous le minimum \4",
    ),
    (r"(.+): (\S+) (\S+) is above the maximum (\S+)", r"\1 : \2 \3 dépasse le maximum \4"),
    (
        r"(.+): (\S+) limit is more than (\S+) times its request",
        r"\1 : la limite de \2 dépasse \3 fois sa requête",
    ),
    (r"within every quota", r"dans chaque quota"),
    (r"no quota applies", r"aucun quota ne s'applique"),
    (r"within every limit range", r"dans chaque LimitRange"),
    (r"no limit range applies", r"aucun LimitRange ne s'applique"),
    (r"(\S+) was not collected", r"\1 n'a pas été relevé"),
    (r"no deployment repository is configured", r"aucun dépôt de déploiement n'est configuré"),
    (r"no cluster is configured", r"aucun cluster n'est configuré"),
    (
        r"nobody watches that the cluster refuses K-Fix's real writes",
        r"personne ne surveille que le cluster refuse les vraies écritures de K-Fix",
    ),
    (
        r"plans are not examined while the cluster's lock is unlocked: the cluster let a real write of K-Fix pass: "
        r"the admission policy or its binding is missing",
        r"les plans ne sont pas examinés tant que le verrou du cluster est ouvert : le cluster a laissé passer une vraie "
        r"écriture de K-Fix : la politique d'admission ou son attache manque",
    ),
    (
        r"plans are not examined while the cluster's lock is unknown: the lock has not been tried yet",
        r"les plans ne sont pas examinés tant que l'état du verrou du cluster est inconnu : il n'a pas encore été essayé",
    ),
    (
        r"plans are not examined while the cluster's lock is unknown: the lock was last tried (\d+) s ago",
        r"les plans ne sont pas examinés tant que l'état du verrou du cluster est inconnu : il a été essayé il y a \1 s",
    ),
    (
        r"plans are not examined while the cluster's lock is unknown: the lock's ConfigMap is not in the cluster: (.+)",
        r"les plans ne sont pas examinés tant que l'état du verrou du cluster est inconnu : sa ConfigMap n'est pas dans "
        r"le cluster : \1",
    ),
    (
        r"plans are not examined while the cluster's lock is unknown: the lock (?:cannot|could not) be tried: (.+)",
        r"les plans ne sont pas examinés tant que l'état du verrou du cluster est inconnu : il n'a pas pu être essayé : \1",
    ),
    (
        r"plans are not examined while the cluster's lock is unknown: (.+)",
        r"les plans ne sont pas examinés tant que l'état du verrou du cluster est inconnu : \1",
    ),
    (r"there is no edited document", r"il n'y a pas de document modifié"),
    (r"no answer within (\S+) s", r"pas de réponse en \1 s"),
    (r"an unforeseen failure: (\w+)", r"une panne imprévue : \1"),
    (r"the objects could not be read: (\w+)", r"les objets n'ont pas pu être lus : \1"),
    (r"(\S+) is not in the cluster", r"\1 n'est pas dans le cluster"),
    # where a word about the environment was read
    (r"scope (\S+)", r"portée \1"),
    (r"monitor tag (\S+)", r"tag \1 du moniteur"),
    (r"monitor query (\S+)", r"requête du moniteur, \1"),
    (r"name of (\S+)", r"nom de \1"),
    (r"(label|annotation|DD_ENV)( \S+)? of (\S+)'s template", r"\1\2 du modèle de \3"),
    (r"(label|annotation|DD_ENV|KFIX_\w+)( \S+)? of (\S+)", r"\1\2 de \3"),
    (r"the server accepts it", r"le serveur l'accepte"),
    (
        r"the server does not let K-Fix dry-run this: (.+)",
        r"le serveur ne permet pas cet essai à blanc à K-Fix : \1",
    ),
    (r"no whole document with a known schema", r"aucun document entier au schéma connu"),
    (r"valid against Kubernetes' schemas", r"valide selon les schémas de Kubernetes"),
    (
        r"rendered before and after: the planned fields change, and nothing else",
        r"rendu avant et après : les champs prévus changent, et rien d'autre",
    ),
    (
        r"more than the plan would change: (.+)",
        r"plus que le plan changerait : \1",
    ),
    (
        r"(\S+) would change in (\d+) places: (.+)",
        r"\1 changerait à \2 endroits : \3",
    ),
    (r"not rendered: (.+)", r"pas rendu : \1"),
    (
        r"(.+) changes as planned; the chart that makes (\S+) is kept elsewhere",
        r"\1 change comme prévu ; le chart qui produit \2 est conservé ailleurs",
    ),
    (r"nothing changes for (\S+)", r"rien ne change pour \1"),
    (r"(\d+) renderings depend on it", r"\1 rendus en dépendent"),
    (
        r"there is nothing to render: no file changes",
        r"il n'y a rien à rendre : aucun fichier ne change",
    ),
    # how the line was found
    (r"rendering (\S*) makes (\S+): (.+)", r"le rendu de \1 produit \2 : \3"),
    (
        r"value (\S+) reaches (\S+) and nothing else; it is set in (.+)",
        r"la valeur \1 atteint \2 et rien d'autre ; elle est fixée dans \3",
    ),
    (
        r"(.+) installs (\S+) from a chart that is kept elsewhere",
        r"\1 installe \2 à partir d'un chart conservé ailleurs",
    ),
    (
        r"value (\S+) in (.+) has the field's name and value",
        r"la valeur \1 dans \2 a le nom et la valeur du champ",
    ),
    (r"(.+) leads to no document that declares it", r"\1 ne mène à aucun document qui le déclare"),
    (r"(.+) leads to (\S+)", r"\1 mène à \2"),
    (
        r"Argo CD tracks it by Application (\S+), which is not declared here",
        r"Argo CD le suit par l'Application \1, qui n'est pas déclarée ici",
    ),
    (
        r"Flux applies it by Kustomization (\S+), which is not declared here",
        r"Flux l'applique par la Kustomization \1, qui n'est pas déclarée ici",
    ),
    (r"a new patch of (\S+) alone", r"un nouveau patch de \1 seul"),
    (r"the static map says: only below (.+)", r"la table statique dit : seulement sous \1"),
    (r"(\S+) left out: (.+)", r"\1 écarté : \2"),
    (r"1 document declares (\S+) (\S+): (.+)", r"1 document déclare \1 \2 : \3"),
    (r"(\d+) documents declare (\S+) (\S+?)(?:: (.+))?", r"\1 documents déclarent \2 \3 : \4"),
    (r"namespace (\S+) leaves (\d+)", r"l'espace de noms \1 en laisse \2"),
    (r"(\S+) is the plain manifest", r"\1 est le manifeste simple"),
    (
        r"environment (\w+) chooses 1 of (\d+) overlays and files",
        r"l'environnement \1 en choisit 1 sur \2",
    ),
    (r"environment (\w+) chooses (\S+)", r"l'environnement \1 choisit \2"),
    (
        r"environment (\w+) chooses 1 of (\d+) (\w+)",
        r"l'environnement \1 en choisit 1 sur \2",
    ),
    (r"(\S+) builds the object", r"\1 construit l'objet"),
    (r"(\S+) is the patch to edit", r"\1 est le patch à modifier"),
    (r"(\S+) is the base to edit", r"\1 est la base à modifier"),
    (r"(\S+) is shared by (\d+) overlays", r"\1 est partagé par \2 surcouches"),
    (r"(\S+) sets (\S+) for (\S+)", r"\1 fixe \2 pour \3"),
    (r"(.+) leads to no document that declares it", r"\1 ne mène à aucun document qui le déclare"),
    (r"(.+) leads to (\S+)", r"\1 mène à \2"),
    (
        r"(Argo CD tracks it by Application|Flux applies it by Kustomization) (\S+), which is not declared here",
        r"\1 \2, qui n'est pas déclaré ici",
    ),
    (r"rendering (\S+) makes (\S+): (.+)", r"le rendu de \1 produit \2 : \3"),
    (r"not rendered: (.+)", r"non rendu : \1"),
    (r"environment (\w+) chooses (.+)", r"l'environnement \1 choisit \2"),
    (
        r"(.+) installs (\S+) from a chart that is kept elsewhere",
        r"\1 installe \2 depuis un chart gardé ailleurs",
    ),
    (r"a new patch of (\S+) alone", r"un nouveau patch de \1 seul"),
    (r"a new file beside (\S+)", r"un nouveau fichier à côté de \1"),
    (r"(\S+) lists the new file", r"\1 liste le nouveau fichier"),
    # what was found after a merge
    (
        r"The change has not arrived everywhere in the cluster\.",
        r"Le changement n'est pas encore partout dans le cluster.",
    ),
    (r"(.+): not better\.", r"\1 : pas mieux."),
    (r"Worse than before: (.+)\.", r"Pire qu'avant : \1."),
    (r"Could not be measured: (.+)\.", r"N'a pas pu être mesuré : \1."),
    (
        r"(\S+) of (\S+) pods are ready, no container died since((?:; .+)?)\.",
        r"\1 pods sur \2 sont prêts, aucun conteneur n'est mort depuis\3.",
    ),
    (r"(\S+) of (\S+) pods are ready( \(.+\))?\.", r"\1 pods sur \2 sont prêts\3."),
    (
        r"Containers died once since the change( \(.+\))?\.",
        r"Un conteneur est mort une fois depuis le changement\1.",
    ),
    (
        r"Containers died (\d+) times since the change( \(.+\))?\.",
        r"Des conteneurs sont morts \1 fois depuis le changement\2.",
    ),
    # what a repository's owners allow
    (r"(\S+) says that nothing is proposed here", r"\1 dit que rien n'est proposé ici"),
    (r"(\S+) does not let a (\S+) be changed", r"\1 ne permet pas de changer un \2"),
    (r"(\S+) does not let (\S+) be changed", r"\1 ne permet pas de changer \2"),
    (r"(\S+) does not let objects be added", r"\1 ne permet pas d'ajouter des objets"),
    (
        r"(\S+) names fields, and a whole (\S+) is more than those",
        r"\1 nomme des champs, et un \2 entier va au-delà",
    ),
    (
        r"(\S+) allows (\d+) changed (files|lines), this takes (\d+)",
        r"\1 permet \2 changements (\3), il en faut \4",
    ),
    (r"(\S+) allows (\S+) up to (\S+), this is (\S+)", r"\1 permet \2 jusqu'à \3, ceci demande \4"),
    (
        r"(\S+) allows (\S+) to change by (\S+) times, this is (\S+) to (\S+)",
        r"\1 permet de multiplier \2 par \3, ceci passe de \4 à \5",
    ),
    (r"(\S+\.yaml): nothing is deleted", r"\1 : rien n'est supprimé"),
    # refusals
    (
        r"IGNORED: a comment asks K-Fix to leave the document alone",
        r"IGNORED : un commentaire demande à K-Fix de ne pas toucher au document",
    ),
    (
        r"(.*)IGNORED: (\S+): a comment asks K-Fix to leave the document alone",
        r"\1IGNORED : \2 : un commentaire demande à K-Fix de ne pas toucher au document",
    ),
    (r"NOT_FOUND: no file declares (\S+)", r"NOT_FOUND : aucun fichier ne déclare \1"),
)
#: Longer texts are quotations, not sentences of ours.
_LONGEST = 600
_COMPILED = tuple((re.compile(pattern), french) for pattern, french in _SENTENCES)
#: Names of numbers in checks that are words.
_NAMES = {
    "used": "utilisé",
    "hard": "plafond",
    "after": "après",
    "before": "avant",
    "environment": "environnement",
    "auto_merge": "fusion auto.",
    "fix": "correctif",
    "renderings": "rendus",
    "unchanged": "inchangé",
    "worked": "réussis",
    "failed": "échoués",
    "failed_here": "échoués ici",
    "replicas": "réplicas",
    "min_available": "minAvailable",
    "lock": "verrou",
}
#: Words inside such numbers, in the order in which they are looked for.
_VALUES = (
    ("the whole edited document", "tout le document modifié"),
    ("the changed fields", "les champs changés"),
    ("the whole rendered object", "tout l'objet rendu"),
    ("as planned in ", "comme prévu dans "),
    (" and a Pod of its template", " et un Pod de son modèle"),
    ("no schema here", "pas de schéma ici"),
    (" used + ", " utilisés + "),
    (" of ", " sur "),
)
_WHOLE_VALUES = {
    "true": "oui",
    "false": "non",
    "valid": "valide",
    "none": "aucun",
    "unlocked": "ouvert",
    "unknown": "inconnu",
}


def said(text: str, language: Language) -> str:
    """A stage's sentence in the reader's language. The result is as untrusted as ``text``."""
    if language == "en" or len(text) > _LONGEST:
        return text
    for pattern, french in _COMPILED:
        match = pattern.fullmatch(text)
        if match:
            return match.expand(french).removesuffix(" : ")
    return text


def known(text: str) -> bool:
    """Is there a French sentence for this one?"""
    return any(pattern.fullmatch(text) for pattern, _ in _COMPILED)


def name(text: str, language: Language) -> str:
    """The name of a number in the reader's language."""
    return _NAMES.get(text, text) if language == "fr" else text


def value(text: str, language: Language) -> str:
    """Such a number in the reader's language."""
    if language == "en":
        return text
    for english, french in _VALUES:
        text = text.replace(english, french)
    return _WHOLE_VALUES.get(text, text)
