"""A browser of each role's."""

from __future__ import annotations

import pytest
from browsing import Browser, SignedIn

from dayfill.domain.access import Role
from installation import Installation


@pytest.fixture
async def browser(installation: Installation) -> Browser:
    """Signed in as the owner."""
    made = Browser(installation)
    await made.sign_in(installation.key)
    return made


@pytest.fixture
def signed_in(installation: Installation) -> SignedIn:
    """A browser of a new member with this role."""

    async def make(role: Role) -> Browser:
        made = Browser(installation)
        _, key = await installation.user(installation.team_id, role)
        await made.sign_in(key)
        return made

    return make
