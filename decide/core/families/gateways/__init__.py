"""What goes wrong with gateways: the classes, the rules that find them, the plans."""
