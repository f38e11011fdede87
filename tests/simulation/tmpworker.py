
import asyncio, os, sys
from pathlib import Path
from bilag.delivery.worker import work, WorkerSettings
from bilag.integrations.keys import open_vault
from bilag.connectors.registry import CONNECTORS
def main():
    home=Path(os.environ["BILAG_HOME"])
    asyncio.run(work(os.environ["BILAG_DATABASE_URL"],home,CONNECTORS,open_vault(home,os.environ),WorkerSettings(once="--once" in sys.argv)))
