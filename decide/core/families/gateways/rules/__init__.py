"""Routes to backends that are not there: in objects, and in the configuration of gateways."""
