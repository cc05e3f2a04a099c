"""`python -m devstack`: starts everything that `make run` starts."""

import sys

from devstack.stack import main

if __name__ == "__main__":
    sys.exit(main())
