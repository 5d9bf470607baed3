"""Malformed files of every kind, each with the one thing that is wrong in it and what must be said about it."""

from trust.of_binary import h5ad_cases, npy_cases, parquet_cases
from trust.of_gct import gct_cases
from trust.of_text import text_cases, tsv_alone_cases
from trust.of_words import gmt_cases, labels_cases, lists_cases, sweep_cases

CASES = [
    *text_cases("tsv", "m.tsv", "\t"),
    *text_cases("csv", "m.csv", ","),
    *tsv_alone_cases(),
    *gct_cases(),
    *npy_cases(),
    *h5ad_cases(),
    *parquet_cases(),
    *labels_cases(),
    *gmt_cases(),
    *lists_cases(),
    *sweep_cases(),
]
