"""Entry of the dashboard: ``panel serve app/main.py [--args EXPERIMENT ...]``; ``diffmp serve`` calls the same."""

import sys

from diffmp_app.session import open_session

open_session(sys.argv[1:])
