"""What goes wrong with probes: the classes, the rules that find them, the plans."""
