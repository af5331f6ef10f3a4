"""What goes wrong with policies: the classes, the rules that find them, the plans."""
