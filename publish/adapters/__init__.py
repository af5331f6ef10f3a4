"""Vendors: GitLab, Slack, Teams, SQL."""
