"""Kinds of platforms that a region does not have, from the command line."""


def test_a_kind_is_declared_listed_and_withdrawn(remote):
    """With its reason, until it is withdrawn; then there is nothing to withdraw."""
    assert remote("unwanted", "list").code == 0
    declared = remote("unwanted", "declare", "credit-publicity", "330000", "--reason", "本省由部里统一公示")
    assert declared.code == 0, declared.err
    listed = remote("unwanted", "list").out
    assert "credit-publicity" in listed
    assert "浙江省" in listed
    assert "本省由部里统一公示" in listed
    [kept] = remote("unwanted", "list", "--json").json["unwanted"]
    assert (kept["kind"], kept["region"]) == ("credit-publicity", "330000")
    assert remote("unwanted", "withdraw", "credit-publicity", "330000").code == 0
    assert remote("unwanted", "list", "--json").json == {"unwanted": []}
    again = remote("unwanted", "withdraw", "credit-publicity", "330000")
    assert again.code == 1
    assert "unwanted.unknown" in again.err


def test_what_is_no_kind_is_refused(remote):
    """The kinds that there are stand in the answer."""
    said = remote("unwanted", "declare", "nothing", "330000", "--reason", "x")
    assert said.code == 1
    assert "penalty" in said.err
