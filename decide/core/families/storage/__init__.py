"""What goes wrong with storage: the classes, the rules that find them, the plans."""
