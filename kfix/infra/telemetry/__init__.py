"""What the house says about itself: JSON logs with the incident's context, metrics, secrets masked last."""
