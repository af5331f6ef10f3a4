"""What goes wrong with strain: the classes, the rules that find them, the plans."""
