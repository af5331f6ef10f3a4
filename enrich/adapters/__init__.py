"""enrich's sources: Datadog, the cluster, the deployment repository, the memory, and captured cases."""
