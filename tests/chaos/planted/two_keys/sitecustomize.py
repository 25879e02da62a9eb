"""A gateway that sends one delivery in ten under another key than its own."""

import itertools

from gateway.delivery import attempt

_keyed, _count = attempt.keyed, itertools.count(1)


def _another_key(request, key, trace_id):
    return _keyed(request, f"{key}-2" if next(_count) % 10 == 0 else key, trace_id)


attempt.keyed = _another_key
