"""The benchmark: `python -m bench` measures bilag against a bare loop and against its peers.

Every figure is taken on this machine only, with load on 127.0.0.1 only; README.md says how.
"""
