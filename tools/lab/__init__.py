"""The fault lab: made-up applications on a real control plane get one fault each, and are dumped with their answer.

kube-apiserver, kube-controller-manager and kube-scheduler are Kubernetes' own; nodes are objects without a machine.
What only a kubelet or a program writes (pulls, probes, exits, logs) is rendered from the formats of their sources, and
the answer says so. ``python -m tools.lab --seed N --count N --out DIR`` makes the cases and scores the rules on them.
Development only: nothing of the product imports this package.
"""
