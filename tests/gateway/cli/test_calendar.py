"""The calendar from the command line."""


def test_a_year_is_entered_by_ranges_and_shown(remote):
    """A range is all its days; what is no range is told before anything is asked."""
    put = remote("calendar", "put", "2027", "--holiday", "2027-10-01/2027-10-07", "--holiday", "2027-01-01",
                 "--workday", "2027-10-09", "--json")  # fmt: skip
    assert put.code == 0, put.err
    assert put.json["holidays"] == ["2027-01-01", *(f"2027-10-0{day}" for day in range(1, 8))]
    assert "2027-10-09" in remote("calendar", "show", "2027").out
    for wrong in ("2027-10-07/2027-10-01", "2027-10-01/soon"):
        assert remote("calendar", "put", "2027", "--holiday", wrong).code == 2


def test_a_published_year_is_there_and_an_unknown_one_is_told(remote):
    """The years of the release need not be entered."""
    assert "2026-10-10" in remote("calendar", "show", "2026").out
    unknown = remote("calendar", "show", "2030")
    assert unknown.code == 1
    assert "calendar.unknown" in unknown.err
