"""GitLab: its client, its merge requests, its people and roles, its Markdown."""
