"""Starts a sandbox: `python -m bilag.sandbox rest --port 8901`.

Prints `listening on http://...` once it answers; ends on SIGTERM or Ctrl-C.
"""

import sys

from bilag.sandbox.command import main

if __name__ == "__main__":
    main(sys.argv[1:])
