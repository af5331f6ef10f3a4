"""A small company to play with: Datadog, Kubernetes, GitLab, Slack, Teams, Mistral and Pinecone on loopback.

The services answer the official clients as their documentation says; a scenario breaks the company, and what is merged
into its deployment repository heals it, or does not. ``kfix sandbox`` runs it; tests use ``sandbox.running.running``.
It knows nothing of the stages.
"""
