"""Passwords as they are kept."""

from orchestrator.service.passwords import NOBODY, fits, hashed, one_time


async def test_a_password_fits_what_was_kept_of_it_and_no_other_does() -> None:
    kept = await hashed("tästing")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "sting" not in kept
    assert await fits("tästing", kept)
    assert not await fits("testing", kept)
    assert await hashed("tästing") != kept, "each has a salt of its own"


async def test_nobody_has_the_password_that_stands_for_none() -> None:
    assert not await fits("", NOBODY)


def test_one_time_passwords_are_chance() -> None:
    made = {one_time() for _ in range(100)}
    assert len(made) == 100
    assert {len(one.replace("-", "")) for one in made} == {25}
