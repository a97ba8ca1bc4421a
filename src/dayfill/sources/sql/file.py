"""The file of a database that is one."""

from __future__ import annotations

from dayfill.errors import Permanent
from dayfill.roots import Place, placed, refuse_other_than_files, seen
from dayfill.sources.sql.options import Options


def place_of(options: Options) -> Place:
    """Where the file lies that the options name.

    Raises:
        Permanent: it is out of reach, not there, no file, or may not be read.
    """
    place = placed(options.path, options.reach)
    try:
        refuse_other_than_files(place, seen(place))
    except FileNotFoundError:
        raise Permanent("SOURCE", f"There is no file {place.named}.", fatal=True) from None
    except OSError as error:
        raise Permanent("SOURCE", f"{place.named} cannot be read: {error.strerror}.", fatal=True) from None
    return place
