"""What goes wrong with certificates: the classes, the rules that find them, the plans."""
