"""Every format that is read, as a table of names and blocks of values."""
