"""The database is killed in the middle of a run and comes back: nothing doubled, nothing lost."""

import os
import signal
import time
from pathlib import Path

import psycopg

from bilag.app.migrate import migrate
from bilag.app.postgres import EmbeddedServer
from tests.clusters import Cluster, Database, chosen_binaries
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import rest_settings
from tests.simulation.proof import at_rest, prove
from tests.simulation.world import World, claim, make_world

# the worker's, those of the queue among them; not the ones that look on
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = %s AND usename = 'bilag_app'"
)
UNENDED = "SELECT id FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
LOSE = """
UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (
    SELECT max(id) FROM procrastinate_jobs WHERE task_name = 'bilag.sync' AND status = 'succeeded')
RETURNING id
"""


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


def test_a_worker_goes_on_after_its_connections_were_cut_again_and_again(
    cluster: Cluster, database: Database, world: World, sandbox: SandboxProcess
) -> None:
    claims = [claim(number) for number in range(300)]
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        worker = world.start_worker()
        world.accept(claims[:100])
        world.wait_for(lambda states: states.get("exported", 0) > 0)
        with psycopg.connect(database.owner_url) as owner:
            # What asks for a job waits here, so that each cut meets it at its question.
            owner.execute("LOCK TABLE procrastinate_jobs")
            until = time.monotonic() + 4
            while time.monotonic() < until:
                superuser.execute(CUT, [database.name])
                time.sleep(0.05)
        world.accept(claims[100:])
        assert world.wait_for(at_rest, seconds=90) == {"exported": 300}
        assert worker.poll() is None, "the worker ended"
        prove(world, sandbox, claims)


def test_a_job_that_was_taken_and_does_not_run_is_given_up_while_its_worker_lives(
    database: Database, world: World, sandbox: SandboxProcess
) -> None:
    claims = [claim(number) for number in range(10)]
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        world.accept(claims)
        # The answer that held this job was lost with the connection that fetched it, or its end
        # could not be stored: it stands as running, with its lock, under a worker that lives.
        worker = world.start_worker()
        world.wait_for(at_rest)
        until = time.monotonic() + 30  # the claims are at rest before the job that sent them ends
        while owner.execute(UNENDED).fetchall() and time.monotonic() < until:
            time.sleep(0.05)
        ((lost,),) = owner.execute(LOSE).fetchall()
        more = [claim(number) for number in range(10, 20)]
        world.accept(more)
        assert world.wait_for(at_rest, seconds=60) == {"exported": 20}
        assert worker.poll() is None
        ended = owner.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [lost])
        assert ended.fetchall() == [("failed",)]
        prove(world, sandbox, [*claims, *more])
