"""What several stages must mean alike about an incident: redaction, signature, measurements, fixes. Pure."""
