# Refusals of the API.

## The kinds of problems (GET /problems/{type})

unreadable-title = Not readable
unreadable-description = The body is not JSON.
invalid-title = Not valid
invalid-description = A member or parameter is unknown, missing or has a wrong value; `violations` names each.
not-logged-on-title = Not logged on
not-logged-on-description = The request has no credentials, or wrong ones.
no-right-title = No right
no-right-description = The log-on lacks the right that the operation needs, or a browser sent the request for another site.
not-found-title = Not found
not-found-description = There is no such resource.
no-such-line-title = No such line
no-such-line-description = No phone has this line.
ambiguous-line-title = Ambiguous line
ambiguous-line-description = Several phones have this line; `;mac=` after it chooses one.
invalid-state-title = Not in this state
invalid-state-description = The resource is in a state that does not allow the operation; `detail` says which.
line-out-of-service-title = Line out of service
line-out-of-service-description = The phone is away, disabled or has no session; the phone's `reason` says why.
request-in-progress-title = Request in progress
request-in-progress-description = The first request with this `Idempotency-Key` is still being carried out; repeat it later for its answer.
key-reused-title = Key reused
key-reused-description = The `Idempotency-Key` was sent with another body or to another path; each request needs a key of its own.
changed-meanwhile-title = Changed meanwhile
changed-meanwhile-description = The resource is no longer as `If-Match` says; `changed` says by whom and when, if that is known. Read it again, and repeat the change with its ETag.
if-match-needed-title = If-Match needed
if-match-needed-description = The change must say by `If-Match` which state of the resource it is for: the ETag of a GET.
too-many-title = Too many requests
too-many-description = Too many requests or failed log-ons; repeat after the seconds of `Retry-After`.
unavailable-title = Not available
unavailable-description = The server is stopping, or its disk is full; try again later.

## Problems that their status describes

status-400-title = Bad Request
status-405-title = Method Not Allowed
status-406-title = Not Acceptable
status-413-title = Content Too Large
status-415-title = Unsupported Media Type
status-416-title = Range Not Satisfiable
status-421-title = Misdirected Request
status-426-title = Upgrade Required
status-500-title = Internal Server Error

## Requests that cannot be read

body-not-json = the body must be JSON: send Content-Type: application/json
body-unreadable = the body is not JSON: { $error }
body-no-object = the body must be a JSON object
unknown-member = unknown member; { $known ->
        [none] there are none
       *[other] known are { $known }
    }
missing-member = it is missing
wrong-value = { $error }
no-parameters = this operation has no parameters
unknown-parameter = unknown parameter; known are { $known }
given-twice = it is there twice
true-or-false = it is true or false
method-not-allowed = method { $method } not allowed (allowed: { $allow })
known-forms = known forms are { $known }
one-host = a request needs one Host
foreign-host = { $host } is not a host of this server: use its address, or add the name to web.names
no-page = there is no such page
no-problem-type = there is no problem { $name }

## Lists

no-next = it is not the `next` of a page of this list
no-limit = it is a number from 1 to { $most }
not-sorted-by = this list is sorted by { $known }, not by { $name }
sorted-twice = { $name } is there twice

## Log-on and rights

name-or-password-wrong = the name or the password is wrong
log-on-needed = log on with a bearer token, such as that in cli.token, or begin a session with name and password (POST /api/v1/session)
token-ended = the token has ended; ask an administrator for a new one
too-many-log-ons = too many failed log-ons; try again in { $seconds } seconds
ticket-wrong = the ticket has been used, has ended or is wrong; POST /api/v1/tickets makes a new one
too-many-tickets = { $most } tickets are unused; try again when some have ended
link-wrong = the link has been used, has ended or is wrong; uacsta web prints a new one
name-and-password = give name and password, or link alone
right-needed = { $name } may { $right ->
        [read] read
        [operate] operate
        [administer] administer
       *[lines] use its lines
    }, but this needs the right to { $needed ->
        [read] read
        [operate] operate
       *[administer] administer
    }
right-lacking = { $name } lacks the right to { $needed ->
        [read] read
       *[administer] administer
    }
cross-origin = cross-origin request refused: Origin differs from Host
foreign-page = with a cookie, a change must come from a page of this server: Sec-Fetch-Site or Origin does not say so
foreign-web-socket = with a cookie, a WebSocket must be opened by a page of this server: Origin does not say so
no-session = there is no session { $id }

## Limits

too-fast = { $name } sends more than { $rate } requests a second (limits.api_requests); wait for the seconds of Retry-After
too-many-at-once = { $most } requests of { $name } are being answered, half of limits.api_connections; wait for an answer before the next request
connection-used-up = too many requests on a connection without log-on; open another one
connections-in-use = all connections are in use (limits.api_connections); end one, or raise the limit
streams-of-all = { $most } follow { $what ->
        [events] events
        [messages] messages
       *[log] the log
    } already; end one of them
streams-of-one = { $name } follows { $what ->
        [events] events
        [messages] messages
       *[log] the log
    } { $own } times already; end one of them
messages-followed = too many follow messages already; end one of them

## Repeated requests and changes

key-of-another-request = this Idempotency-Key belongs to another request; use a new one for each
still-in-progress = the request with this Idempotency-Key is still being carried out; ask again
key-length = Idempotency-Key must be 1 to { $most } printable characters
name-the-state = name the state that you change: send If-Match with the ETag of your last GET
changed-since = somebody has changed it since you read it; read it again

## The server

server-stopping = the server is stopping
stopping-or-overloaded = the server is stopping or overloaded
request-failed = the request failed
registrar-ended = the registrar is not running
service-stopped = the service for phones and clients is stopped; start it with: uacsta service start
service-not-started = the service cannot be started: { $error }
licensing-ended = licensing is not running

## Phones and lines

no-phone = no phone { $name } in the phone list; name it by its MAC address, such as 00:04:13:aa:bb:cc, or by the extension it is listed under; uacsta phones prints the list
no-such-phone = there is no such phone
no-phone-id = a phone is named by its MAC address, twelve hexadecimal digits, or by an extension of at most 30 letters and digits
display-name-empty = it is not empty; null removes the name
display-name-characters = it has no control characters and no marks of the writing direction
phone-not-listed = no phone is listed as { $phone }
phone-registered = { $phone } is registered, and would be listed again at once: disconnect it first, or switch it off only, by: uacsta phones off { $phone }
phone-listed = { $phone } is listed already
extensions-unset = { $phone } is an extension, but phones log on with their MAC address unless phones.extensions is set
too-many-unknown-phones = limits.unknown_phones is reached by phones that never listed a line: remove those that do not exist, or raise the limit
phone-failed = the actor of phone { $phone } failed; try again
session-restarts = the session with phone { $phone } is being restarted already
no-session-with-phone = the server has no session with phone { $phone }. { $why }
phone-is-away = It is away.
lines-not-listed = phone { $phone } has not listed its lines yet
no-line = no phone has this line
line-name-long = no line has such a long name
line-of-several = more than one phone has this line; add ;mac=<MAC> to say which
invalid-csta = invalid CSTA request: { $why }
no-csta-request = { $name } is not a CSTA request

## Clients and their messages

no-client = no client { $name } is connected; name it by its id or user: uacsta clients prints them
several-clients = several clients have logged on as { $name }; name one by its id: uacsta clients prints them
no-messages-of-client = no messages of a client { $user } are kept; a client is named by the user that it logs on with

## Accounts, tokens and operators

name-length = it has 1 to 64 characters
name-in-spaces = it neither begins nor ends with a space
account-name-characters = it has no quotes, backslashes, colons, slashes and control characters
account-exists = there is an account { $user } already
account-in-settings = the account { $user } is in the settings, { $place }: change it there
accounts-full = there are { $most } accounts already; remove one, or raise limits.accounts
no-account = there is no account { $user }
rights-at-most = there are at most 16
lines-of-right = it has 1 to 1000 names of lines; * is every line
name-of-line = a name of a line has 1 to 512 octets, and no space, comma, quote or angle bracket
no-groups = there are no groups of lines; name the lines
numbers-at-most = it has at most 100 phone numbers
token-name = it has 1 to 64 characters, and no control characters
in-the-past = it is in the past
no-token = the account has no token { $id }
tokens-full = there are { $most } tokens already; revoke one, or raise limits.tokens
operator-name-characters = it has no colon, no slash, no parenthesis and no control characters
name-of-administrator = admin is the administrator of the settings; choose another name
name-of-command-line = cli.token is the command line; choose another name
operator-exists = there is an operator { $name } already
operators-full = there are { $most } operators already; remove one first
no-operator = there is no operator { $name }
password-long = it has at most 1024 characters
password-short = it has fewer than { $least } characters; choose a longer one
password-guessable = it is easily guessed; choose several words or random letters, no common password, name, date or row of keys with little added
password-not-hashed = the password cannot be hashed: { $error }
change-failed = the change cannot be made: { $error }

## Licences

licence-code-garbled = invalid licence code: it is not a complete licence code; copy it again from its first letter to its last
licence-code-newer = invalid licence code: it is a licence code in a newer format; update the server
licence-code-foreign = invalid licence code: it is not signed by the issuer of licences for this program
licence-known = licence { $serial } was added before
licence-in-file = licence { $serial } is in licenses.codes of the settings file; remove it there
no-licence = there is no licence { $serial }
no-licences-needed = this program was built without an issuer of licences and needs none

## Settings

configuration-unchanged = the configuration is unchanged: { $error }
settings-unchanged = the settings are unchanged: { $error }
reload-in-progress = a reload is already in progress; try again in a moment
no-undo = no such change can be undone: that is possible once, within a minute, and until one of its settings changes again

## Operations, bundles, logs and events

no-operation = there is no such operation; the last eight are kept until the server stops
operation-cancelled = the operation was cancelled
operation-broken-off = the web server was stopped or moved to another address, or the work panicked; begin again
bundle-not-written = cannot write the bundle: { $error }; make room on the disk of the data folder
messages-for-administrators = messages of phones are for administrators; leave out phones
phones-at-most = it names at most { $most } phones
operations-in-progress = two operations are running already; wait for one of them, or cancel it
caller-needs-call = it is for a certification with calls; give call, too
bundle-of-another = a bundle is for who began it and for administrators
bundle-not-done = the bundle is not done; its operation says why
no-log-file = there is no such log file; uacsta logs files (GET /api/v1/logs) lists them
size-of-file = the file has { $size } octets
logs-unreadable = cannot read the log files: { $error }
audit-unreadable = the audit log cannot be read: { $error }
at-or-not = it is at or -at
no-wait = it is a number of seconds from 0 to { $most }
unknown-topic = unknown topic; known are { $known }
live-topics-at-most = at most { $most } topics of a stream are logs or trace
live-topics-polled = logs and trace are told live alone, by a WebSocket or server-sent events; poll /logs/lines or the phone's trace instead
web-socket-version = the only version of WebSockets here is 13
no-web-socket = the request opens no WebSocket: { $error }
topics-needed = name topics, separated by commas: { $known }
