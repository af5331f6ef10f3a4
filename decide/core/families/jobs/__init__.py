"""What goes wrong with jobs: the classes, the rules that find them, the plans."""
