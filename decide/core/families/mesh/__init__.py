"""What goes wrong with mesh: the classes, the rules that find them, the plans."""
