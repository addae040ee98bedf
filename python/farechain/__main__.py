"""``python -m farechain``."""

import sys

from farechain.cli import main

sys.exit(main())
