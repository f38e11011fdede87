import asyncio, time, json
from contextlib import AsyncExitStack
from typing import get_args
from bilag.sandbox.faults import Kind
from tests.simulation.checks import commands, organization, sandbox, write
from tests.simulation.systems import BUSINESS_CENTRAL, XLEDGER, REST
CAN="kanari-4711-hemmelig/+="
KINDS=get_args(Kind)
def make(system,url):
    if system=="rest":
        return REST.settings_of(url, auth={"kind":"oauth2_client_credentials","tokenUrl":url+"/oauth/token","clientId":"sandbox-client"},company={"path":"/company","expected":"999999999"})
    if system=="xledger":
        return XLEDGER.settings_of(url, auth={"kind":"oauth2_client_credentials","tokenUrl":url+"/oauth/token","clientId":"sandbox-client"})
    return BUSINESS_CENTRAL.settings_of(url)
OPT={"rest":{"client_secret":CAN},"xledger":{"client_secret":CAN},"business-central":{**BUSINESS_CENTRAL.options,"client_secret":CAN}}
TYPE={"rest":"rest","xledger":"xledger","business-central":"dynamics_business_central"}
async def test_x(database,tmp_path):
    env={"BILAG_HOME":str(tmp_path),"BILAG_DATABASE_URL":database.application_url,"BILAG_DATABASE_OWNER_URL":database.owner_url}
    cases=[]
    async with AsyncExitStack() as st:
        t=time.time()
        orgs=[]
        for s in OPT:
            for place in ("company","read","token"):
                for k in KINDS:
                    slow={"slow","late_commit"}
                    u=await st.enter_async_context(sandbox(s,OPT[s],[{"kind":k,"on":place,"seconds":12 if k in slow else 0.2}]))
                    slug=f"c{len(cases)}"
                    orgs.append(organization(slug,TYPE[s],make(s,u),{"client_secret":CAN},tmp_path))
                    cases.append((slug,s,place,k))
        print("sandboxes",time.time()-t); t=time.time()
        bilag=await st.enter_async_context(commands(env))
        r=await bilag("apply",write(tmp_path/"o.yaml",orgs))
        print("apply",r.code,r.err[-300:],time.time()-t); t=time.time()
        rs=await asyncio.gather(*(bilag("check-connection",c[0],"--language","en") for c in cases))
        print("all",time.time()-t)
        for c,r in sorted(zip(cases,rs),key=lambda x:(x[0][3],x[0][2],x[0][1])):
            print(f"{c[3]:15} {c[2]:8} {c[1]:17} {r.code} {r.seconds:4.1f} {r.out.strip()!r:.400} {r.err.strip()!r}")
            assert "kanari" not in r.out+r.err
