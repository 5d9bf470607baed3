"""What moved profiles say: genes, what these do, and how few are enough."""
