"""The three networks, how they learn, and how they are kept."""

import os

# A waiting thread must sleep: one that spins steals the core that another thread or program needs,
# and training on a busy machine took six times as long. OpenMP reads this when PyTorch loads, which
# is after this line unless somebody loaded it before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
