"""The console's store and its door."""
