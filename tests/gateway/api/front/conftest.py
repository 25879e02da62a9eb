"""A server on a real socket, with small bounds."""

from collections.abc import AsyncIterator

import pytest
from doorstep import Front, echo, front_of


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """Serve the echo with the small bounds."""
    async with front_of(echo) as made:
        yield made
