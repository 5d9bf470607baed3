"""Whether to believe moved profiles: measures, controls and the verdict."""
