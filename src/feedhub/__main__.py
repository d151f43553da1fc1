"""Run the command `feedhub` as `python -m feedhub`."""

import sys

from feedhub.cli import main

if __name__ == "__main__":
    sys.exit(main())
