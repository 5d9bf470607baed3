"""One module a command: `carry_out` takes its options and gives the lines to print at the end.

PyTorch takes a second or two to load: only commands that train or move anything load it, when they start.
"""
