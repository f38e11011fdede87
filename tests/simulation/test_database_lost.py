"""The database is killed in the middle of a run and comes back: nothing doubled, nothing lost."""

import os
import signal
import time
from pathlib import Path

from bilag.app.migrate import migrate
from bilag.app.postgres import EmbeddedServer
from tests.clusters import chosen_binaries
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import rest_settings
from tests.simulation.proof import at_rest, prove
from tests.simulation.world import claim, make_world


def test_the_postmaster_is_killed_during_a_run(sandbox: SandboxProcess, tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "db", chosen_binaries())
    urls = server.start()
    migrate(urls.owner, urls.application)
    sandbox.set(answer_after=0.01)
    claims = [claim(number) for number in range(1500)]
    try:
        with make_world(
            urls.application, urls.owner, tmp_path, settings=rest_settings(sandbox.url)
        ) as world:
            world.accept(claims)
            world.start_worker()
            for exported in (200, 700):
                world.wait_for(lambda states, least=exported: states.get("exported", 0) > least)
                status = server.status()
                assert status is not None
                assert status.postmaster is not None
                os.kill(status.postmaster, signal.SIGKILL)
                time.sleep(0.2)
                server.start()
            states = world.wait_for(at_rest, seconds=90)
            assert states == {"exported": 1500}
            prove(world, sandbox, claims)
    finally:
        server.stop()
