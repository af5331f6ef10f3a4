"""What goes wrong with dependencies: the classes, the rules that find them, the plans."""
