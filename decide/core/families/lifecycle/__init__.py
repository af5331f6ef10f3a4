"""What goes wrong with lifecycle: the classes, the rules that find them, the plans."""
