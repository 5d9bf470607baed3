"""Gene sets x targets x seeds: planned whole, worked off by Snakemake, and collected into tables that answer."""
