"""From a labelled matrix to a finished run: the task is checked, f and the methods are fitted, and tables are made."""
