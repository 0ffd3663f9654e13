import pyexpat

import pytest

from aggregator.sources.expat import SOUND, Version, advice, in_use, weaknesses


@pytest.mark.conforms("D19")
@pytest.mark.parametrize(
    ("version", "oldest", "count"),
    [
        ((2, 5, 0), "CVE-2023-52425", 6),
        ((2, 6, 4), "CVE-2025-59375", 5),
        ((2, 7, 2), "CVE-2025-66382", 4),
        ((2, 7, 10), "CVE-2025-66382", 4),
        ((2, 8, 0), "CVE-2026-45186", 1),
    ],
)
def test_an_old_expat_is_known_by_what_it_lacks(version: Version, oldest: str, count: int) -> None:
    found = weaknesses(version)
    assert (found[0], len(found)) == (oldest, count)
    told = advice(version)
    assert told is not None
    assert "expat " + ".".join(map(str, version)) in told
    assert all(name in told for name in found)
    assert "\n" not in told


@pytest.mark.conforms("D19")
@pytest.mark.parametrize("version", [SOUND, (2, 8, 2), (2, 10, 0), (3, 0, 0)])
def test_a_sound_expat_is_not_spoken_of(version: Version) -> None:
    assert weaknesses(version) == ()
    assert advice(version) is None


def test_the_one_in_use_is_the_one_that_reads_our_documents() -> None:
    assert "expat_" + ".".join(map(str, in_use())) == pyexpat.EXPAT_VERSION
