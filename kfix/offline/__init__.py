"""K-Fix on one machine without the stream: diagnose a captured case, edit a checkout."""
