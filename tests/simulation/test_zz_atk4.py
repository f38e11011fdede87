import threading
from tests.simulation.test_attack_ledgers import *
from tests.simulation.test_attack_ledgers import stage
from bilag.exports.decide import DecisionRefused

def verbs(world, actor):
    return ForcedExports(world.pool, world.queue, CONNECTORS, open_vault(world.home, {}), world.organization, actor=actor)

def test_fixed_by_hand(stage):
    world, sandbox = stage(XLEDGER, {"validation": "booking", "books_after": 0.0}, {"lookUp": {"entryLines": True, "errorLink": "dbId"}}, mapping=MAPPING_7141)
    prove = world
    claims = [claim(n) for n in range(6)]
    world.accept(claims)
    for _ in range(3): deliver(world, XLEDGER)
    print(world.states())
    sandbox.add_master_data(accounts={"7141": "T"})
    refs = [r[0] for r in world.query("SELECT reference FROM exports ORDER BY id")]
    for r in refs[:3]:
        sandbox.meddle(r, "rerun")
    ts = [threading.Thread(target=world.exports.retry_failed_exports) for _ in range(4)]
    for t in ts: t.start()
    for t in ts: t.join()
    for _ in range(3): deliver(world, XLEDGER)
    print(world.states(), world.query("SELECT state, reason->>'message' FROM exports WHERE state<>'exported' LIMIT 1"))
    assert max(posted(sandbox, world).values()) == 1

@pytest.mark.parametrize("system", [XLEDGER, BUSINESS_CENTRAL], ids=lambda s: s.name)
def test_force_at_once(stage, system):
    world, sandbox = stage(system)
    world.accept([claim(1)])
    for _ in range(3): deliver(world, system)
    assert world.states() == {"exported": 1}
    ((ref, export),) = world.query("SELECT reference, id FROM exports")
    sandbox.meddle(ref, "delete")
    ev = verbs(world, "anne").evidence(export)
    print(ev.seen)
    got = []
    def go(actor):
        try:
            e = verbs(world, actor).evidence(export)
            got.append(verbs(world, actor).force(export, reason="r", confirmation=e.confirmation))
        except DecisionRefused as x:
            got.append(x.problem.code)
    ts = [threading.Thread(target=go, args=(a,)) for a in ("anne", "bo", "cy")]
    for t in ts: t.start()
    for t in ts: t.join()
    print(got)
    world.exports.withdraw_approval("app", claim(1).source_id)
    for _ in range(3): deliver(world, system)
    print(world.query("SELECT generation, kind, state, live, reason->>'code' FROM exports ORDER BY id"), posted(sandbox, world))
    world.accept([claim(1, revision=2)])
    for _ in range(3): deliver(world, system)
    print(world.query("SELECT generation, kind, state, live, reason->>'code' FROM exports ORDER BY id"), posted(sandbox, world))

def test_forced_in_flight_then_withdrawn(stage):
    world, sandbox = stage(BUSINESS_CENTRAL)
    world.accept([claim(1)])
    for _ in range(3): deliver(world, BUSINESS_CENTRAL)
    ((ref, export),) = world.query("SELECT reference, id FROM exports")
    sandbox.meddle(ref, "delete")
    v = verbs(world, "anne"); e = v.evidence(export)
    sandbox.faults({"kind": "error_before", "on": "post", "at": [1]})
    v.force(export, reason="r", confirmation=e.confirmation)
    deliver(world, BUSINESS_CENTRAL)
    print(world.states())
    world.exports.withdraw_approval("app", claim(1).source_id)
    for _ in range(4): deliver(world, BUSINESS_CENTRAL)
    print(world.query("SELECT generation, kind, state, live, reason->>'code' FROM exports ORDER BY id"), posted(sandbox, world), waiting_lines(sandbox, world))
