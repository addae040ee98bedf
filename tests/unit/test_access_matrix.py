"""The whole matrix: every role, every verb, every relation between caller and party."""

import pytest

from farechain.access.matrix import TABLE, permits
from farechain.access.roles import Role, Verb
from farechain.access.tokens import Caller

CALLER, OTHER, DELEGATOR = "91440300708461136T", "91110000600037341L", "92532528MA6L45LX6L"

# * anybody's, o the caller's own, d its own and its delegators', . nobody's.
MATRIX = """
                       BUREAU ISSUER DEVICE AGENT HOLDER REIMBURSER AUDITOR ANONYMOUS
read_status            *      *      *      *     *      *          *       *
read_invoice_public    *      *      *      *     *      *          *       *
read_completeness      *      *      *      *     *      *          *       *
read_invoice_fields    *      o      .      d     o      o          *       .
read_trips             *      o      .      d     o      o          *       .
read_dead_letters_own  *      o      .      d     .      .          *       .
read_dead_letters_all  *      .      .      .     .      .          *       .
read_private           *      .      .      .     .      .          .       .
keep_trips             .      .      .      o     .      .          .       .
claim                  .      o      .      *     .      .          .       .
retitle                .      o      .      d     .      .          .       .
bind                   .      o      .      *     .      .          .       .
transfer               .      .      .      o     o      .          .       .
lock                   .      .      .      .     .      o          .       .
unlock                 *      .      .      .     .      o          .       .
reimburse              .      .      .      .     .      o          .       .
confirm_use            .      .      .      .     .      o          .       .
post                   .      .      .      .     .      o          .       .
unpost                 .      .      .      .     .      o          .       .
red_issue              .      o      .      d     .      .          .       .
red_request            .      o      .      d     .      o          .       .
red_confirm            .      o      .      d     .      o          .       .
red_refuse             .      o      .      d     .      o          .       .
red_withdraw           .      o      .      d     .      o          .       .
red_expire             *      *      .      *     *      *          .       .
freeze                 *      .      .      .     .      .          .       .
unfreeze               *      .      .      .     .      .          .       .
grant_numbers          *      .      .      .     .      .          .       .
refuse_numbers         *      .      .      .     .      .          .       .
apply_numbers          .      o      .      .     .      .          .       .
close_grant            *      .      .      .     .      .          .       .
admit_issuer           *      .      .      .     .      .          .       .
register_key           *      o      .      o     .      .          .       .
rotate_key             o      o      o      o     o      o          o       .
retire_key             *      o      .      .     .      .          .       .
revoke_key             *      o      .      .     .      .          .       .
admit                  .      o      .      .     .      .          .       .
delegate               .      o      .      .     .      .          .       .
mandate                .      o      .      .     .      .          .       .
scene_table            *      .      .      .     .      .          .       .
rate_table             *      .      .      .     .      .          .       .
reimburser_policy      .      .      .      .     .      o          .       .
declare                .      o      .      .     .      .          .       .
acknowledge            *      .      .      .     .      .          .       .
attest                 o      o      .      o     .      o          .       .
"""
ALLOWED: dict[str, set[str | None]] = {
    "*": {CALLER, OTHER, DELEGATOR, None},
    "d": {CALLER, DELEGATOR},
    "o": {CALLER},
    ".": set(),
}


def cells() -> dict[tuple[Role, Verb], str]:
    header, *rows = MATRIX.strip().splitlines()
    roles = [Role[name] for name in header.split()]
    found: dict[tuple[Role, Verb], str] = {}
    for row in rows:
        verb, *letters = row.split()
        found |= {(role, Verb(verb)): letter for role, letter in zip(roles, letters, strict=True)}
    return found


def test_the_matrix_names_every_role_and_verb() -> None:
    assert set(cells()) == {(role, verb) for role in Role for verb in Verb}
    assert set(TABLE) == set(Role)


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("role", Role)
def test_every_cell(role: Role, verb: Verb) -> None:
    """The caller's own things, those of a party that delegates to it, another's, nobody's."""
    caller = None if role is Role.ANONYMOUS else CALLER
    allowed = ALLOWED[cells()[role, verb]]
    for party in (CALLER, DELEGATOR, OTHER, None):
        assert permits(role, verb, caller, party, {DELEGATOR}) == (party in allowed), party
    assert permits(role, verb, caller, DELEGATOR) == (cells()[role, verb] == "*")


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("role", Role)
def test_without_a_party_a_caller_has_nothing_of_its_own(role: Role, verb: Verb) -> None:
    assert permits(role, verb, None, None) == (cells()[role, verb] == "*")
    assert permits(role, verb, None, CALLER) == (cells()[role, verb] == "*")


def test_a_caller_is_asked_by_its_own_role_and_party() -> None:
    caller = Caller(CALLER, Role.ISSUER, "0" * 16, 0)
    assert caller.may(Verb.DECLARE, CALLER)
    assert not caller.may(Verb.DECLARE, OTHER)
    assert not caller.may(Verb.FREEZE, CALLER)
