"""How much is taken in at once, and what a caller is told when it is too much."""

from __future__ import annotations

import pytest

from gateway.errors import Busy
from gateway.intake.admission import Admission


def test_one_call_too_many_is_told_to_come_again():
    """429, and there is room again as soon as one of the others is done."""
    admission = Admission(calls=1)
    with admission.enter():
        with pytest.raises(Busy) as caught, admission.enter():
            pass
        assert (caught.value.status, caught.value.code) == (429, "intake.busy")
    with admission.enter():
        pass


def test_bytes_that_were_declared_count_before_they_arrive():
    """The body of the second would not fit: it is not even read."""
    admission = Admission(size=100)
    with admission.enter(60):
        with pytest.raises(Busy), admission.enter(50):
            pass
        with admission.enter(40):
            pass


def test_bytes_that_nobody_declared_count_as_they_arrive():
    """A chunked body is counted part by part, and ended at the one that does not fit."""
    admission = Admission(size=100)
    with admission.enter(60), admission.enter() as take:
        take(30)
        with pytest.raises(Busy):
            take(30)
    with admission.enter(100):
        pass


def test_declared_bytes_are_not_counted_twice():
    """The same bytes once said and once arrived are the same bytes."""
    admission = Admission(size=100)
    with admission.enter(80) as take:
        take(80)
        with admission.enter(20):
            pass


def test_a_large_body_alone_is_always_let_in():
    """How large a body may be at all is its adapter's to say."""
    admission = Admission(size=100)
    with admission.enter(500):
        pass
    with admission.enter() as take:
        take(300)
        take(300)
