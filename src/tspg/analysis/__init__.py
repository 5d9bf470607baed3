"""What moved profiles say; nothing here needs the networks."""
