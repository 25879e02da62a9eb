"""The canonical documents' schemas are published."""

import pytest


@pytest.mark.parametrize("path", ["/schemas/penalty-decision/1", "/schemas/permit/1"])
async def test_documents_have_schemas(caller, path):
    """Each with the Chinese titles of its fields."""
    response = await caller.call(None, "GET", path)
    assert response.headers["Content-Type"] == "application/schema+json"
    assert response.json()["title"]


@pytest.mark.parametrize("path", ["/schemas/nothing/1", "/schemas/permit/9", "/schemas/permit/x"])
async def test_other_documents_have_none(caller, path):
    """404 with an example of what there is."""
    assert (await caller.call(None, "GET", path)).status_code == 404
