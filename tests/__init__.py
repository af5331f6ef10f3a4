"""The tests mirror the source; ``support`` holds made-up worlds, ``arch`` the walls."""
