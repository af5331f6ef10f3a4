"""What outcomes change: which plan goes first, how sure it is said to be, and what is not proposed again. Pure."""
