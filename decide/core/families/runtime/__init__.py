"""What goes wrong with runtime: the classes, the rules that find them, the plans."""
