"""One module per command: `run` takes its options and returns the lines to print at the end.

A command loads at its top what it needs to check what was asked and to read the files; PyTorch, scikit-learn, SciPy's
statistics and matplotlib take seconds to load, so what needs them is imported inside the function that does the
work, once all checks have passed. A refusal then comes at once.
"""
