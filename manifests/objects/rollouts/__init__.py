"""The arithmetic of a rollout: what its pods ask for at its height, what it needs to get through, and where it stops.

The controllers of Kubernetes are played out on a few numbers: pods wanted, made and ready of each template. Pods of the
template that is rolled out are taken to get ready; all others stay as they are.
"""
