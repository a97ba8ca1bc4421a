"""Tables without days on the pages: named as such, loaded again, and no day of any calendar."""

from __future__ import annotations

import pytest
from browsing import FROM_HERE, Browser

from dayfill.domain.days import WHOLE
from dayfill.domain.transfer import Partition, Table
from dayfill.engine import runs
from dayfill.errors import Permanent
from installation import Installation
from rig import Rig

NAME = "tables without days"


@pytest.fixture
def rig(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig.create(installation, monkeypatch)


async def refreshed(rig: Rig, transfer: int) -> None:
    async with rig.db.write() as tx:
        await runs.run_now(tx, rig.seams, rig.team_id, transfer)
    await rig.settle()


async def test_they_are_named_wherever_their_run_is_shown_and_loaded_again_from_there(
    rig: Rig, browser: Browser
) -> None:
    transfer = rig.transfer(tables=[Table("pages", partition=Partition.NONE)])
    rig.source.on(WHOLE, always=Permanent("SCHEMA", "No column page."))
    await refreshed(rig, transfer)
    here = f"/transfers/{transfer}"
    for path in ("/runs", "/runs/1", here, f"{here}/days/{WHOLE}"):
        await browser.open(path)
        assert NAME in browser.page and f'<time datetime="{WHOLE}' not in browser.page, path
    assert 'SELECT * FROM "pages" LIMIT 100;' in browser.page.replace("&#34;", '"')
    assert f"dayfill transfer run {transfer}" in browser.page
    await browser.open("/")
    assert "1 failed day" in browser.page
    line = (await browser.get("/runs.csv")).text.splitlines()[1]
    assert line.startswith(f"1,{transfer},T1,,Recurring,FAILED")
    rig.source.scripts.clear()
    await browser.open(f"{here}/days/{WHOLE}")
    answer = await browser.submit(f"{here}/runs", day=str(WHOLE))
    assert answer.status_code == 303, answer.text
    await rig.settle()
    assert rig.agrees(transfer) == [WHOLE]
    await browser.open("/transfers")
    assert "Healthy" in browser.page and NAME in browser.page


async def test_no_other_day_before_the_first_has_a_page(rig: Rig, browser: Browser) -> None:
    transfer = rig.transfer()
    assert (await browser.get(f"/transfers/{transfer}/days/0001-01-02", headers=FROM_HERE)).status_code == 404
