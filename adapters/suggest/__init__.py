"""Draft a bundle from samples: what each native column most likely means, how sure that is, and why."""

from adapters.suggest.columns import Column, Table, observe
from adapters.suggest.drafting import Draft, Undraftable, draft
from adapters.suggest.guessing import Guess, guess
from adapters.suggest.judging import CONFIDENT, Candidate, Suggestion, suggest
from adapters.suggest.operation import Operation
from adapters.suggest.pairing import Pairs, missing_pairs
from adapters.suggest.sampling import Sample, read_sample

__all__ = [
    "CONFIDENT",
    "Candidate",
    "Column",
    "Draft",
    "Guess",
    "Operation",
    "Pairs",
    "Sample",
    "Suggestion",
    "Table",
    "Undraftable",
    "draft",
    "guess",
    "missing_pairs",
    "observe",
    "read_sample",
    "suggest",
]
