"""Functional areas from the command line, and what platforms cover."""


def test_an_area_is_put_listed_and_deleted(remote):
    """With its full name, until it is deleted; then it is not there."""
    assert "No area" in remote("area", "list").out
    put = remote("area", "put", "370171", "--title", "济南高新区", "--parent", "370100", "--valid-from", "1991-03-06")
    assert put.code == 0, put.err
    listed = remote("area", "list").out
    assert "山东省/济南市/济南高新区" in listed
    [kept] = remote("area", "list", "--json").json["areas"]
    assert (kept["code"], kept["valid_from"], kept["valid_to"]) == ("370171", "1991-03-06", None)
    assert remote("area", "delete", "370171").code == 0
    again = remote("area", "delete", "370171")
    assert again.code == 1
    assert "area.unknown" in again.err


def test_what_a_platform_covers_stays_until_it_is_given_anew(remote):
    """A change of something else keeps covers and mandates; `-` empties them."""
    remote("area", "put", "370171", "--title", "济南高新区", "--parent", "370100")
    add = ("platform", "add", "penalty.330100")
    first = remote(*add, "--adapter", "canonical", "--set", "base_url=http://127.0.0.1:9", "--covers", "370171",
                   "--covers", "330101-330109", "--mandate", "cross", "--set", "token=t")  # fmt: skip
    assert first.code == 0, first.err
    kept = remote(*add, "--dossier", "--json").json
    assert (kept["covers"], kept["mandates"]) == (["370171", "330101-330109"], ["cross"])
    assert "330101-330109" in remote("platform", "show", "penalty.330100").out
    emptied = remote(*add, "--covers", "-", "--mandate", "-", "--json").json
    assert (emptied["covers"], emptied["mandates"]) == ([], [])
