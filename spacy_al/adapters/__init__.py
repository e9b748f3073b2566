"""Ways to and from outside systems, one a file."""
