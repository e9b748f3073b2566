"""A vector for each document."""
