"""What goes wrong with services: the classes, the rules that find them, the plans."""
