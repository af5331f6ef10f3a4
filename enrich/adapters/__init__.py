"""enrich's sources: what watches, the cluster, the deployment repository, the memory, and captured cases."""
