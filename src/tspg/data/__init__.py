"""From files on disk to scaled matrices."""
