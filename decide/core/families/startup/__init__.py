"""What goes wrong with startup: the classes, the rules that find them, the plans."""
