"""The page on which people answer, and the server behind it (extra `web`)."""
