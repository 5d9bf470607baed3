"""What every package uses: files written whole, names and numbers in messages, progress, time and memory."""
