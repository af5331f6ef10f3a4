"""What goes wrong with routes: the classes, the rules that find them, the plans."""
