"""`python -m tspg` is `tspg`."""

import sys

from tspg.cli.main import main

sys.exit(main())
