"""`python -m feedhub` is the command `feedhub`."""

import sys

from feedhub.cli import main

if __name__ == "__main__":
    sys.exit(main())
