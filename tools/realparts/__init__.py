"""Real parts for tests and the lab: Kafka, PostgreSQL, a schema registry, kube-apiserver, kustomize and helm."""
