"""What goes wrong with admission: the classes, the rules that find them, the plans."""
