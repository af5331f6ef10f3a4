"""What goes wrong with upstreams: the classes, the rules that find them, the plans."""
