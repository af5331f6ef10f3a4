"""What a forge is to K-Fix, whichever it is: values, roles, capabilities, its Markdown. Pure; forges are in ``kfix.infra.forges``."""
