"""Paths that people name: what lies outside of the roots is never opened, by whatever way the path leads there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dayfill import roots
from dayfill.domain.reach import NOTHING, Reach, reaches
from dayfill.errors import Permanent
from dayfill.sources.files.pattern import matching

SECRET = "secret"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file in it, and a secret beside it."""
    inside = tmp_path / "root"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "a.csv").write_text("inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.csv").write_text(SECRET)
    return inside


def read(path: object, root: Path) -> str:
    with roots.held(roots.placed(str(path), Reach((str(root),)))) as descriptor:
        return os.read(descriptor, 100).decode()


def refused(path: object, root: Path) -> str:
    with pytest.raises(Permanent) as error:
        read(path, root)
    return error.value.message


def test_a_file_in_a_root_is_read_and_so_is_a_link_that_stays_inside(root: Path) -> None:
    (root / "link").symlink_to("deep")
    (root / "a.csv").symlink_to(root / "deep" / "a.csv")
    for path in (root / "deep" / "a.csv", root / "link" / "a.csv", root / "a.csv", f"{root}//deep/./a.csv"):
        assert read(path, root) == "inside"


def test_a_root_may_be_a_link_itself(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mount").symlink_to(root)
    assert read(tmp_path / "mount" / "deep" / "a.csv", tmp_path / "mount") == "inside"
    assert read(root / "deep" / "a.csv", tmp_path / "mount") == "inside"


def test_the_same_sentence_whether_the_file_exists_or_not(root: Path, tmp_path: Path) -> None:
    there, absent = tmp_path / "outside" / "a.csv", tmp_path / "outside" / "b.csv"
    said = [refused(path, root).replace(str(path), "?") for path in (there, absent, "/etc/passwd", "/etc/nothing")]
    assert len(set(said)) == 1
    assert said[0] == (
        f"? is outside the folders that files may be in: {root}. Put it there, or have the administrator add its"
        " folder to DAYFILL_FILE_ROOTS."
    )


def test_a_way_in_from_outside_tells_nothing_either(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside" / "in").symlink_to(root)
    assert "is outside" in refused(tmp_path / "outside" / "in" / "deep" / "a.csv", root)


def test_a_folder_of_another_team_below_a_root_is_no_part_of_it(root: Path) -> None:
    found = reaches(str(root), f"2={root}/deep:3={root}/deep/er", here="/", home="")
    (root / "deep" / "er").mkdir()
    (root / "deep" / "er" / "b.csv").write_text("deeper")
    (root / "link.csv").symlink_to(root / "deep" / "a.csv")

    def reached(team_id: int) -> set[str]:
        return {place.path for _, place, _ in matching(f"{root}/deep/**", found.of(team_id))}

    for name in ("deep/a.csv", "deep/none.csv", "deep/er/b.csv", "link.csv"):
        with pytest.raises(Permanent, match="outside the folders"):
            roots.placed(f"{root}/{name}", found.of(1))
    with pytest.raises(Permanent, match="outside the folders"):
        reached(1)
    assert not [*matching(f"{root}/d*/*.csv", found.of(1))]
    assert reached(2) == {f"{root}/deep/a.csv"}
    assert {place.path for _, place, _ in matching(f"{root}/deep/er/*", found.of(3))} == {f"{root}/deep/er/b.csv"}


def test_without_a_root_nothing_is_open(root: Path) -> None:
    with pytest.raises(Permanent, match="DAYFILL_FILE_ROOTS is not set"):
        roots.placed(str(root / "deep" / "a.csv"), NOTHING)


def test_a_root_beside_with_the_same_beginning_is_another(root: Path, tmp_path: Path) -> None:
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "a.csv").write_text(SECRET)
    assert "is outside" in refused(tmp_path / "root2" / "a.csv", root)


PIECE = st.sampled_from(
    ["..", ".", "", "deep", "out", "link", "a.csv", "outside", "root", "~", "~root", "\0", "é", "x" * 300]
)


@given(st.lists(PIECE | st.text(max_size=5), max_size=8), st.booleans())
@example(["..", "outside", "a.csv"], False)
@example(["out", "a.csv"], False)
@example(["link", "a.csv"], False)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_path_reads_what_lies_outside(root: Path, pieces: list[str], is_relative: bool) -> None:
    for name in ("out", "link"):
        if not (root / name).is_symlink():
            (root / name).symlink_to({"out": "../outside", "link": str(root.parent / "outside")}[name])
    path = "/".join(pieces) if is_relative else f"{root}/{'/'.join(pieces)}"
    try:
        assert read(path, root) == "inside"
    except (Permanent, OSError):
        pass


def swap(place: Path, target: Path) -> None:
    """A link takes the place at once."""
    beside = place.with_name("beside")
    beside.symlink_to(target)
    if place.is_dir():
        place.rename(place.with_name("moved"))
    beside.rename(place)


@pytest.mark.parametrize("what", ["deep", "deep/a.csv"])
def test_a_link_swapped_in_after_the_look_is_not_followed(root: Path, tmp_path: Path, what: str) -> None:
    place = roots.placed(str(root / "deep" / "a.csv"), Reach((str(root),)))
    swap(root / what, tmp_path / "outside" / Path(what).relative_to("deep"))
    assert (root / "deep" / "a.csv").read_text() == SECRET
    with pytest.raises((OSError, Permanent)), roots.held(place) as descriptor:
        assert os.read(descriptor, 10).decode() != SECRET


def test_what_is_held_open_stays_what_it_was(root: Path, tmp_path: Path) -> None:
    place = roots.placed(str(root / "deep" / "a.csv"), Reach((str(root),)))
    with roots.held(place) as descriptor:
        swap(root / "deep" / "a.csv", tmp_path / "outside" / "a.csv")
        assert Path(roots.by_descriptor(place, descriptor)).read_text() == "inside"


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [pipe, Path.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(root: Path, make: Callable[[Path], None]) -> None:
    make(root / "odd")
    assert "is not a file: it is a" in refused(root / "odd", root)


def test_the_installations_files_are_no_data_by_whatever_name(root: Path) -> None:
    home = root / "data"
    home.mkdir(mode=0o700)
    (home / "keyring").touch()
    (home / "spool").mkdir()
    (home / "spool" / "day.arrow").touch()
    (root / "link.csv").symlink_to(home / "keyring")
    os.link(home / "keyring", root / "hard.csv")
    reach = Reach((str(root),), str(home))
    for path in (home / "keyring", home / "spool" / "day.arrow", root / "link.csv", root / "hard.csv"):
        with pytest.raises(Permanent, match="lives by"), roots.held(roots.placed(str(path), reach)):
            pass
