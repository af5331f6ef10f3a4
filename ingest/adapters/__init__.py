"""FastAPI in front, Datadog's API for the webhook's installation."""
