"""Draft a bundle from samples: what each native column most likely means, how sure that is, and why."""

from adapters.suggest.columns import SampleColumn, Table, observe
from adapters.suggest.drafting import BundleDraft, Undraftable, draft
from adapters.suggest.guessing import Guess, guess
from adapters.suggest.judging import CONFIDENT, Candidate, Suggestion, suggest
from adapters.suggest.operation import DraftOperation, NativeSample, read_sample
from adapters.suggest.pairing import Pairs, missing_pairs

__all__ = [
    "CONFIDENT",
    "BundleDraft",
    "Candidate",
    "DraftOperation",
    "Guess",
    "NativeSample",
    "Pairs",
    "SampleColumn",
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
