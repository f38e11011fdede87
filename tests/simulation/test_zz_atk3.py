import base64, json, os, signal, time, urllib.request, urllib.parse
from tests.simulation.test_attack_ledgers import *
from tests.simulation.test_attack_ledgers import stage
from tests.simulation.systems import BC_SECRET
from tests.conformance.business_central import CLIENT, COMPANY, TENANT
from tests.simulation.test_restore import copy_database
from bilag.delivery.crash_points import CrashPoint

def api(sandbox, method, path, body=None, headers=None):
    data = urllib.parse.urlencode({"grant_type":"client_credentials","client_id":CLIENT,"client_secret":BC_SECRET,"scope":"https://api.businesscentral.dynamics.com/.default"}).encode()
    tok = json.load(urllib.request.urlopen(f"{sandbox.url}/{TENANT}/oauth2/v2.0/token", data))["access_token"]
    req = urllib.request.Request(f"{sandbox.url}/v2.0/{TENANT}/Production/api/v2.0/{path}", method=method, data=json.dumps(body).encode() if body is not None else None, headers={"Authorization": f"Bearer {tok}", "Content-Type": "application/json", "If-Match":"*", **(headers or {})})
    with urllib.request.urlopen(req) as r:
        t = r.read()
        return json.loads(t) if t else {}

def company(sandbox):
    return api(sandbox, "GET", "companies")["value"][0]["id"]

def journal(sandbox):
    return next(j for j in sandbox.journals()["journals"] if j["code"].startswith("BG"))

def post_by_hand(sandbox):
    j = journal(sandbox)
    api(sandbox, "POST", f"companies({company(sandbox)})/journals({j['id']})/Microsoft.NAV.post", {})

C = [claim(n) for n in range(30)]

@pytest.mark.parametrize("what", ["post", "delete", "delete_doc", "alter", "stray"])
def test_by_hand_in_doubt(stage, what):
    world, sandbox = stage(BUSINESS_CENTRAL, delivery={"retry": {"attemptsMax": 3}})
    prove_look_up(world, BUSINESS_CENTRAL)
    sandbox.faults({"kind": "error_before", "on": "post", "at": [1]})
    world.accept(C[:8])
    deliver(world, BUSINESS_CENTRAL)
    j = journal(sandbox)
    print(world.states())
    if what == "post": post_by_hand(sandbox)
    elif what == "delete": api(sandbox, "DELETE", f"companies({company(sandbox)})/journals({j['id']})")
    elif what == "delete_doc":
        for line in j["lines"][:3]:
            api(sandbox, "DELETE", f"companies({company(sandbox)})/journals({j['id']})/journalLines({line['id']})")
    elif what == "alter":
        api(sandbox, "PATCH", f"companies({company(sandbox)})/journals({j['id']})/journalLines({j['lines'][0]['id']})", {"amount": 1.0})
    else: sandbox.meddle("", "stray_line", journal=j["code"])
    for _ in range(6):
        deliver(world, BUSINESS_CENTRAL)
    print(what, world.states(), [(s, r and r.get("message")) for s, r in world.query("SELECT state, reason FROM exports WHERE state<>'exported' LIMIT 1")], len(waiting_lines(sandbox, world)))
    prove(world, sandbox, [*C[:8], claim(9000)])

@pytest.mark.parametrize("setting", [True, False])
@pytest.mark.parametrize("fault", ["", "lost_answer", "kill"])
def test_job_queue(stage, setting, fault):
    world, sandbox = stage(BUSINESS_CENTRAL, options={"post_with_job_queue": True, "job_queue_seconds": 6.0}, settings={"postsByJobQueue": setting})
    prove_look_up(world, BUSINESS_CENTRAL)
    if fault == "lost_answer":
        sandbox.faults({"kind": "lost_answer", "on": "post", "at": [1]})
    world.accept(C[:8])
    if fault == "kill":
        p = world.start_worker(BILAG_CRASH_AT="before_settle:1"); p.wait(30)
    for _ in range(2):
        deliver(world, BUSINESS_CENTRAL)
    print(world.states())
    if fault != "":
        world.accept([claim(1, revision=2, amount="7.00")])
        world.exports.withdraw_approval("app", C[2].source_id)
    world.start_worker()
    t = time.time()
    while time.time() - t < 12:
        world.move_clock(30*60); world.exports.sync(); time.sleep(0.5)
    print(setting, fault, world.states(), world.query("SELECT source_id, kind, state, reason->>'code' FROM exports WHERE kind<>'original' OR state<>'exported'"), len(waiting_lines(sandbox, world)))
    led = posted(sandbox, world)
    assert max(led.values()) == 1
    print(len(led))

@pytest.mark.parametrize("write", range(1, 8))
def test_kill_and_stray(stage, write):
    world, sandbox = stage(BUSINESS_CENTRAL, settings={"documentsPerJournal": 40}, delivery={"retry": {"attemptsMax": 3}})
    prove_look_up(world, BUSINESS_CENTRAL)
    world.accept(C)
    p = world.start_worker(BILAG_CRASH_AT=f"before_write:{write}:stop")
    for _ in range(100):
        world.exports.sync(); time.sleep(0.1)
        if open(f"/proc/{p.pid}/stat").read().rpartition(")")[2].split()[0] == "T": break
        if p.poll() is not None: break
    js = [j for j in sandbox.journals()["journals"] if j["code"].startswith("BG")]
    if js: sandbox.meddle("", "stray_line", journal=js[0]["code"])
    print(write, bool(js), world.states())
    p.send_signal(signal.SIGKILL) if write % 2 else p.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    for _ in range(5):
        deliver(world, BUSINESS_CENTRAL)
    stray = [e for e in sandbox.ledger()["entries"] if e["reference"] == "STRAY1"]
    print(world.states(), len(stray), len(waiting_lines(sandbox, world)))
    led = posted(sandbox, world)
    assert max(led.values()) == 1 and not stray

def test_restore_mid_staged(cluster, database, tmp_path):
    backup = f"{database.name}_backup"
    sandbox = BUSINESS_CENTRAL.start()
    def living():
        return make_world(database.application_url, database.owner_url, tmp_path, system=BUSINESS_CENTRAL.connector, secrets=BUSINESS_CENTRAL.secrets, settings=BUSINESS_CENTRAL.settings_of(sandbox.url))
    try:
        with living() as world:
            prove_look_up(world, BUSINESS_CENTRAL)
            sandbox.faults({"kind": "error_before", "on": "post", "at": [1]})
            world.accept(C[:5])
            deliver(world, BUSINESS_CENTRAL)
            assert world.states() == {"exported": 1, "in_doubt": 5}
            world.accept(C[5:9])
            print(world.states())
        copy_database(cluster.superuser_url, database.name, backup)
        with living() as world:
            sandbox.faults({"kind": "error_before", "on": "post", "at": [2]})
            for _ in range(1):
                deliver(world, BUSINESS_CENTRAL)
            print("lost time", world.states())
            world.accept(C[9:12])
            deliver(world, BUSINESS_CENTRAL)
            print("lost time", world.states(), len(waiting_lines(sandbox, world)))
        copy_database(cluster.superuser_url, backup, database.name)
        with living() as world:
            world.accept(C[:12])
            for _ in range(4):
                deliver(world, BUSINESS_CENTRAL)
            print(world.states(), world.query("SELECT reason->>'code', count(*) FROM exports WHERE state <> 'exported' GROUP BY 1"), len(waiting_lines(sandbox, world)))
            ids = [r[0] for r in world.query("SELECT id FROM exports WHERE state='needs_review'")]
            for i in ids:
                world.exports.decide_export(i, to_state="pending", reason="x")
            for _ in range(3):
                deliver(world, BUSINESS_CENTRAL)
            print(world.states(), world.query("SELECT reason->>'code', count(*) FROM exports WHERE state <> 'exported' GROUP BY 1"), len(waiting_lines(sandbox, world)))
            prove(world, sandbox, [*C[:12], claim(9000)])
    finally:
        sandbox.stop()
        with psycopg.connect(cluster.superuser_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{backup}" WITH (FORCE)')
