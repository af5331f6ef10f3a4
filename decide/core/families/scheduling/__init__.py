"""What goes wrong with scheduling: the classes, the rules that find them, the plans."""
