"""`python -m ttvos` is the `ttvos` command, without an installation."""

import sys

from ttvos.cli.main import main

sys.exit(main())
