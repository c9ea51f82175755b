"""pjsua as a phone: registers each account of the command line, USER:TRANSPORT:PORT, until a line on standard input."""

import select
import sys

import pjsua2 as pj

PASSWORD, AUTHORITY, EXPIRES = sys.argv[1:4]
TRANSPORTS = {"tcp": pj.PJSIP_TRANSPORT_TCP, "udp": pj.PJSIP_TRANSPORT_UDP, "tls": pj.PJSIP_TRANSPORT_TLS}

endpoint = pj.Endpoint()
endpoint.libCreate()
settings = pj.EpConfig()
settings.logConfig.level = settings.logConfig.consoleLevel = 5
settings.uaConfig.threadCnt = 0
settings.uaConfig.mainThreadOnly = True
settings.uaConfig.userAgent = "pjsua"
endpoint.libInit(settings)
endpoint.audDevManager().setNullDev()
for kind in TRANSPORTS.values():
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    transport.tlsConfig.CaListFile = AUTHORITY
    transport.tlsConfig.verifyServer = True
    endpoint.transportCreate(kind, transport)
endpoint.libStart()

accounts = []
for argument in sys.argv[4:]:
    user, transport, port = argument.split(":")
    account = pj.AccountConfig()
    account.idUri = f"sip:{user}@127.0.0.1"
    account.regConfig.registrarUri = f"sip:127.0.0.1:{port};transport={transport}"
    account.regConfig.timeoutSec = int(EXPIRES)
    account.regConfig.retryIntervalSec = account.regConfig.firstRetryIntervalSec = 2
    account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, PASSWORD))
    accounts.append(pj.Account())
    accounts[-1].create(account)

while not select.select([sys.stdin], [], [], 0)[0]:
    endpoint.libHandleEvents(50)
for account in accounts:
    account.setRegistration(False)
for _ in range(40):
    endpoint.libHandleEvents(50)
endpoint.libDestroy()
