"""Controls of a finished run: what it must not find, what it must find, and what comes back from seed to seed."""
