"""What goes wrong with regressions: the classes, the rules that find them, the plans."""
