"""The stream: topics, broker, wire format and runtime. One module of it knows Faust."""
