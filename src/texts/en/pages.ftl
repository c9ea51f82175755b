# The administrator's pages.

page-skip = To the content
page-navigation = Pages
page-overview = Overview
page-telephones = Telephones
page-clients = Clients
page-phone-connection = Phone connection
page-client-connection = Client connection
page-advanced = Advanced
page-licences = Licences
page-log = Log
page-server = Server
page-operators = Operators and audit
page-log-off = Log off
page-log-on = Log on
page-connection-lost = The connection to the server is lost. What you see is from before; it is tried again by itself.
page-keys = Keys
page-key-search = Search
page-close = Close
page-refused = This cannot be shown
page-search = Search
page-next = Next
page-first = From the start
page-yes = Yes
page-no = No
page-since = Since
page-by = by { $name }
page-remove = Remove

log-on-name = Name
log-on-password = Password
log-on-hint = The user admin has the password in secrets.toml in the data folder; uacsta web prints a link that logs on without it.
log-on-script = Logging on needs JavaScript, which this browser does not run.
log-on-busy = Logging on …
log-on-silent = The server does not answer.

phones-controlled = { $count } controlled
phones-registered = { $count } registered, but not controlled
phones-away = { $count } away
phones-total = { $count ->
        [one] one telephone
       *[other] { $count } telephones
    }
phones-first = Connect the first telephone
phones-first-how = No telephone has registered yet. Enter this in the settings of a telephone that speaks uaCSTA:
phones-first-server = Registrar ({ $name })
phones-first-user = User name
phones-first-mac = the telephone's MAC address, 12 hexadecimal digits
phones-first-password = Password
phones-first-where = phones.password, generated at the first start in secrets.toml in the data folder
phones-search = Name, number, MAC address, address, maker or reason
phones-filter = Which telephones
phones-all = All
phones-none-found = No telephone is like this. Choose another filter or search for less.
phones-of-reason = Only those with the reason { $name }.
phone-state = State
phone-ok = Controlled
phone-red = Not controlled
phone-away = Away
phone-off = Switched off
phone-name = Name
phone-maker = Maker and model
phone-mac = MAC address
phone-address = Address
phone-identity = Last identity
phone-last-log-on = Last log-on
phone-in-operation = In operation
phone-switch = Operation of { $name }
phone-switch-off = Switch off
phone-switch-on = Put into operation
phone-restart = Open the CSTA session anew
phone-remove = Remove
phone-remove-sure = Remove { $name }? Its lines are free then; if it registers again, it counts as new.
phone-firmware = Firmware
phone-extension = Extension
phone-lines = Lines
phone-no-lines = The telephone has not listed lines yet.
phone-messages = Last SIP messages
phone-no-messages = No messages are kept.
phone-received = from the telephone
phone-sent = to the telephone
phone-whole-log = All lines about it
line-number = Number
line-watched = Watched by
line-idle = Idle
line-ringing = Ringing
line-busy = Busy
line-out-of-service = Out of service
line-unknown = Not watched
watch-on = Watched
watch-starting = Starting
watch-refused = Refused
watch-off = Nobody

overview-well = All is well.
overview-trouble = Something needs attention.
overview-phones = { $count ->
        [one] One telephone cannot be controlled
       *[other] { $count } telephones cannot be controlled
    }
overview-others = { $count ->
        [one] and one other
       *[other] and { $count } others
    }

service-running = Telephones and clients are served
service-is-stopped = The service for telephones and clients is stopped
service-stop = Stop the service
service-start = Start the service
service-stop-sure = Stop the service? No telephone can be controlled until it is started again; these pages go on.

server-warnings = Warnings
server-version = Version
server-started = Running since
server-lines = Monitored lines
server-sessions = CSTA sessions of clients
server-connections = Open connections
server-strangers = ({ $count } not logged on)
server-list = List of telephones
server-list-saved = Saved
server-list-unsaved = Cannot be written; { $count } changes are not on disk
server-listeners = Interfaces
server-phones-on = Telephones, { $name }
server-clients-on = Clients, { $name }
server-api = The API and its reference

clients-none = No client is connected. Programs log on here:
clients-search = User or address
client-user = User
client-sessions = Sessions
client-monitors = Monitors
client-pending = Waiting requests
client-act = Action
client-by-front-end = by a front end
client-end = End
client-end-of = End the client { $name }
client-end-sure = End the client { $name }? It may log on again.

licences-phones = Telephones
licences-lines = Monitored lines
licences-evaluation = Evaluation period
licences-days = { $count ->
        [0] over
        [one] one day left
       *[other] { $count } days left
    }
licences-none = There is no licence yet.
licences-unneeded = This program needs no licences.
licence-serial = Number
licence-code = Licence code
licence-add = Add
licence-remove-of = Remove licence { $name }
licence-remove-sure = Remove licence { $name }? If too few are left, the newest telephones and lines lose theirs.

log-all = All
log-info = From info
log-warn = From warnings
log-error = Errors only
log-text = Text
log-phone = Telephone
log-level = Severity
log-none = No line is like this.
log-older = Older

operators-about = The user admin is always there; its password is web.password.
operators-none = There is no other operator yet.
operators-right-missing = Operators and the audit log are shown to administrators alone.
operator-name = Name
operator-password = Password
operator-rights = Rights
operator-add = Add
operator-remove-of = Remove the operator { $name }
operator-remove-sure = Remove the operator { $name }? Its sessions end at once.
right-read = Read
right-operate = Operate
right-admin = Administer
audit-title-page = Who changed what
audit-search = Who, what or where
audit-none = No entry is like this.
audit-at = When
audit-who = Who
audit-what = What
audit-outcome = Outcome
audit-done = Done
audit-refused = Refused
audit-failed = Failed

certificate = Certificate
certificate-subject = Owner
certificate-issuer = Signed by
certificate-names = Names
certificate-until = Valid until
certificate-fingerprint = SHA-256
certificate-days = { $count ->
        [0] ends today or has ended
        [one] one day left
       *[other] { $count } days left
    }

settings-read-only = Only administrators may change settings.
settings-changed = The setting has changed.
settings-undo = Undo
settings-changed-meanwhile = Somebody changed the settings meanwhile. The page shows them now; apply again if you still want to.
settings-not-read = This is no JSON value. A list is written as ["a", "b"].
setting-set = is set; type a new one to change it
setting-unset = is not set
setting-seconds = seconds
setting-apply = Apply
setting-apply-of = Apply { $name }
setting-reset = Reset
setting-reset-of = Reset { $name }
setting-default = Default
setting-file = From the settings file
setting-environment = From the environment
setting-operator = Set here
setting-default-is = default
setting-locked = cannot be changed here
setting-at-once = applies at once
setting-next-connection = applies to the next connection
setting-next-start = applies at the next start
