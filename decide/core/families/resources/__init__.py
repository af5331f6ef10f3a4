"""What goes wrong with resources: the classes, the rules that find them, the plans."""
