"""The three networks, how they learn, and how they are kept."""
