"""Processes that end with their parent, work side by side, and lock each other out."""
