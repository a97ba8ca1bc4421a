"""``python -m dayfill``: the same as the ``dayfill`` script."""

from dayfill.cli import main

if __name__ == "__main__":
    main()
