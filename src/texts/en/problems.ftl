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
changed-meanwhile-description = The resource is no longer as `If-Match` says; read it again, and repeat the change with its ETag.
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
status-500-title = Internal Server Error
