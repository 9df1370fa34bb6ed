"""How a provider's claims become rights."""

import pytest

from orchestrator.errors import UnknownCallerError
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.providing import Rules

ROLES = {Role.ADMIN: frozenset({"sre"}), Role.VIEWER: frozenset({"staff", "all"})}
RULES = Rules(actor="email", groups="groups", roles=ROLES)
ANN = {"sub": "1", "email": "ann@x", "email_verified": True, "groups": ["staff"]}


def test_the_highest_role_wins() -> None:
    assert RULES.person(ANN).caller == Caller(actor="ann@x", role=Role.VIEWER)
    assert RULES.person({**ANN, "groups": ["staff", "sre", 7]}).caller.role is Role.ADMIN
    assert RULES.person({**ANN, "groups": "all"}).caller.role is Role.VIEWER
    assert RULES.person(ANN).account == "1"


def test_further_rights_and_sagas_are_claims_too() -> None:
    person = RULES.person({**ANN, "saga_permissions": ["payload:read"], "saga_sagas": []})
    assert (person.caller.granted, person.caller.sagas) == (frozenset({Permission.PAYLOAD}), frozenset())


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"groups": []}, "no group"),
        ({"groups": None}, "no group"),
        ({"groups": 7}, "no group"),
        ({"groups": ["Staff"]}, "no group"),
        ({"email": None}, "names nobody"),
        ({"email": "a\nb"}, "names nobody"),
        ({"email": "x" * 201}, "names nobody"),
        ({"email_verified": "true"}, "not verified"),
        ({"saga_permissions": ["everything"]}, "saga_permissions"),
    ],
)
def test_who_has_no_role_or_no_name_is_nobody(claims, told) -> None:
    with pytest.raises(UnknownCallerError, match=told):
        RULES.person({**ANN, **claims})


def test_other_rules_have_another_fingerprint() -> None:
    others = (
        Rules(actor="sub", groups="groups", roles=ROLES),
        Rules(actor="email", groups="roles", roles=ROLES),
        Rules(actor="email", groups="groups", roles={**ROLES, Role.ADMIN: frozenset({"sre", "x"})}),
    )
    same = Rules(actor="email", groups="groups", roles=dict(reversed(ROLES.items())))
    assert same.fingerprint == RULES.fingerprint
    assert len({RULES.fingerprint, *(one.fingerprint for one in others)}) == 4
