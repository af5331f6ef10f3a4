"""What goes wrong with performance: the classes, the rules that find them, the plans."""
