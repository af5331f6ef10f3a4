"""The playbooks that come with K-Fix, as YAML files: ``docs/playbooks.md`` says how they are written."""
