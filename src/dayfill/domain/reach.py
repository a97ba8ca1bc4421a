"""What the administrator lets connectors reach: folders of files, and networks that are not public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dayfill.domain.addresses import Network
from dayfill.errors import SetupError


@dataclass(frozen=True, slots=True)
class Reach:
    """What the connectors of one team may reach; nothing, if nothing is said.

    roots: absolute folders that their files must lie in. home: the installation's own folder, whose
    files are nobody's data under any name. nets: networks that connections may go to although they are not public.
    closed: folders of other teams, which may lie below a root and are no part of it.
    """

    roots: tuple[str, ...] = ()
    home: str = ""
    nets: tuple[Network, ...] = ()
    closed: tuple[str, ...] = ()


NOTHING = Reach()


@dataclass(frozen=True, slots=True)
class Reaches:
    """What the administrator allows. everyone: of every team that has no folder of its own in ``folders``."""

    everyone: Reach = NOTHING
    folders: Mapping[int, str] = field(default_factory=dict)

    def of(self, team_id: int) -> Reach:
        folder = self.folders.get(team_id)
        roots = self.everyone.roots if folder is None else (folder,)
        return replace(self.everyone, roots=roots, closed=tuple(sorted({*self.folders.values()} - {folder})))


def reaches(
    file_roots: str | None, team_roots: str, nets: tuple[Network, ...] = (), *, here: str, home: str
) -> Reaches:
    """What the settings say. here: the working directory, which counts if they say nothing. home: the data directory.

    Raises:
        SetupError: a folder is relative, or the root of the disk, which would open everything; or a team id is not one.
    """
    if file_roots is None:
        roots: tuple[str, ...] = () if here == "/" else (here,)
    else:
        roots = tuple(_checked(root, "DAYFILL_FILE_ROOTS") for root in file_roots.split(":"))
    folders = {}
    for one in filter(None, team_roots.split(":")):
        team, _, folder = one.partition("=")
        if not (team.isascii() and team.isdigit()):
            raise SetupError("DAYFILL_TEAM_ROOTS: expected TEAM=FOLDER, such as 2=/srv/two:3=/srv/three.")
        folders[int(team)] = _checked(folder, "DAYFILL_TEAM_ROOTS")
    return Reaches(Reach(roots, home, nets), folders)


def _checked(folder: str, setting: str) -> str:
    if not folder.startswith("/") or "\0" in folder or ".." in folder.split("/"):
        raise SetupError(f"{setting}: expected absolute folders, such as /srv/data.")
    if not folder.strip("/."):
        raise SetupError(f"{setting}: / would open the whole disk to every team: name the folders that hold data.")
    return folder
