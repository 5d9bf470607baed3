"""`python -m tspg` is `tspg`."""

import sys

from tspg.cli import main

sys.exit(main())
