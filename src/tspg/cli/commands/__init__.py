"""One module per command: `run` takes its options and returns the lines to print at the end."""
