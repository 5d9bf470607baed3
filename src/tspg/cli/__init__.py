"""The command line: options to one command, its lines to the terminal."""
