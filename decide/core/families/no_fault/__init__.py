"""What goes wrong with no fault: the classes, the rules that find them, the plans."""
