"""The file of a database that is one."""

from __future__ import annotations

from dataclasses import dataclass

from dayfill.errors import Permanent, Transient
from dayfill.roots import Identity, Place, holds, identity, placed, refuse_other_than_files, seen
from dayfill.sources.sql.options import Options


@dataclass(frozen=True, slots=True)
class Found:
    """A file where it was found, before it was opened. Its driver opens it by name, as logs lie beside it by theirs."""

    place: Place
    is_file: Identity

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def named(self) -> str:
        return self.place.named

    def refuse_another(self) -> None:
        """Once it is open: that must be the file that was looked at.

        Raises:
            Transient: another one has taken its name meanwhile.
        """
        if _looked_at(self.place) != self.is_file or not holds(self.is_file):
            raise Transient("SOURCE", f"{self.named} was replaced while it was opened: it is read the next time.")


def found(options: Options) -> Found:
    """Where the file lies that the options name.

    Raises:
        Permanent: it is out of reach, not there, no file, or may not be read.
    """
    place = placed(options.path, options.reach)
    return Found(place, _looked_at(place))


def _looked_at(place: Place) -> Identity:
    try:
        there = seen(place)
        refuse_other_than_files(place, there)
    except FileNotFoundError:
        raise Permanent("SOURCE", f"There is no file {place.named}.", fatal=True) from None
    except OSError as error:
        raise Permanent("SOURCE", f"{place.named} cannot be read: {error.strerror}.", fatal=True) from None
    return identity(there)
