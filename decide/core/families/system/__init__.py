"""What goes wrong with system: the classes, the rules that find them, the plans."""
