"""Parts of `deviations.py`: the studies, what is taken back, and what is asked."""
