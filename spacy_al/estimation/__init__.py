"""The true score of a pool from texts that were drawn unequally: probabilities of draws and counts in, estimates and intervals out."""
