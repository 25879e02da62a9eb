"""Values typed on a command line become what their settings need."""

import pytest

from gateway.cli.platform import typed


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("8", "int", 8),
        ("-3", "int", -3),
        ("eight", "int", "eight"),
        ("true", "bool", True),
        ("False", "bool", False),
        ("perhaps", "bool", "perhaps"),
        ("true", "text", "true"),
        ("007", "secret", "007"),
    ],
)
def test_a_value_is_read_as_its_settings_type(value, kind, expected):
    """What cannot be read goes as it is, so that the gateway rejects it in its own words."""
    read = typed(value, kind)
    assert read == expected
    assert type(read) is type(expected)
