"""What goes wrong with autoscaling: the classes, the rules that find them, the plans."""
