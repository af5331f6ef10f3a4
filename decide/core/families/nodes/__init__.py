"""What goes wrong with nodes: the classes, the rules that find them, the plans."""
