"""The peers: other ways to deliver claims, run in an environment of their own on the same sink.

Each `*_peer.py` is a script of that environment and imports nothing of ours; `run.py` drives them.
"""
