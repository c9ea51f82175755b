# Why a phone is not controlled: the fact (reason-) and what to do (remedy-), by the codes of
# actors/src/reason/code.rs. docs/reference/reasons.md has them too.

contact-failed = Its log-on failed { $times ->
        [one] once
       *[other] { $times } times, last
    } from { $from }
contact-refused = A device at its last address, { $from }, was refused { $times ->
        [one] once
       *[other] { $times } times
    }

reason-notInOperation = An operator switched the phone off.
remedy-notInOperation = Put the phone into operation: uacsta phones on PHONE.

reason-serviceStopped = The service for phones and clients is stopped.
remedy-serviceStopped = Start the service: uacsta service start.

reason-neverRegistered = The phone is listed, but has never registered.
remedy-neverRegistered = Enter the server's address, the phones' password and the MAC address as user name at the phone; check the network and firewalls between them.

reason-notSinceStart = The phone has not registered since the server started.
remedy-notSinceStart = Wait for the time of a registration; if the phone does not return, check its power, its network and the server's address in its settings.

reason-loggedOff = The phone logged off.
remedy-loggedOff = Enable the account at the phone: it was switched off there, or the phone is restarting.

reason-registrationLapsed = The phone did not refresh its registration in time.
remedy-registrationLapsed = Check the phone's power and network, and whether a firewall or NAT drops its connection.

reason-connectionLost = The phone's connection was lost: { $why }.
remedy-connectionLost = Check the phone's power and network cable; it is back with its next REGISTER.

reason-wrongPassword = { contact-failed }: the password is wrong.
remedy-wrongPassword = Enter the phones' password of the server (phones.password) at the phone.

reason-wrongCredentials = { contact-failed }: { $fault ->
        [algorithm] the digest algorithm was not offered
        [unknownUser] the user name is not known here
        [otherHash] the user's password is stored as the hash of another algorithm
        [otherUri] the credentials are for another Request-URI
       *[password] the password is wrong
    }.
remedy-wrongCredentials = Enter the user name also as the name for authentication at the phone; for a phone that knows MD5 alone, add it to advanced.digest.

reason-clientsInterface = { contact-failed }: it registered on the clients' interface.
remedy-clientsInterface = Set the phone's server and port to an interface of phones (phones.lan, phones.wan or phones.udp).

reason-wrongUserName = { contact-refused }: it registered as "{ $user }", { $whose ->
        [client] the name of a client
       *[nobody] no name of a phone
    }.
remedy-wrongUserName = Set the phone's user name to its MAC address, 12 hexadecimal digits, or set phones.extensions for extensions.

reason-registerRejected = { contact-failed }: { $why }.
remedy-registerRejected = Mend what the sentence names in the phone's settings; if all is right there, restart the phone.

reason-tlsTooOld = { contact-refused }: { $why }.
remedy-tlsTooOld = Update the phone's firmware, or put a TLS front end before the server (docs/tls-front.md).

reason-certificateNotTrusted = { contact-refused }: { $why }.
remedy-certificateNotTrusted = Load the authority of the server's certificate (ca.pem of the data folder, if the server made it) into the phone; check the phone's clock and that the certificate names the host that the phone connects to.

reason-phoneCertificateRefused = { contact-refused }: { $why }.
remedy-phoneCertificateRefused = Add the authority that signed the phone's certificate to phones.trusted_authority, or give the phone a certificate.

reason-tlsFailed = { contact-refused }: { $why }.
remedy-tlsFailed = Compare the TLS settings of the phone with those of the server.

reason-wrongTransport = { contact-refused }: it speaks { $spoken ->
        [tls] TLS on a TCP port
       *[sip] plain SIP on a TLS port
    }.
remedy-wrongTransport = Set the phone's transport to that of the port: TLS on a TLS port, TCP on a TCP port.

reason-sameName = Two devices register with this name in turn, from { $one } and from { $other }.
remedy-sameName = Set each phone's user name to its own MAC address and restart it; if it is one phone, give it a constant address.

reason-sameNumber = { $line } is also a line of { $other }, so that a client's request is for neither.
remedy-sameNumber = Remove the line from one of the phones, or let clients choose the phone by ;mac= after the line.

reason-noLicence = There is no free licence for the phone.
remedy-noLicence = Add a licence, or switch off phones that need none; see: uacsta licenses.

reason-opening = The server is opening the CSTA session with the phone.
remedy-opening = Wait: the phone has half a minute to answer.

with-error = { $error ->
        [none] {""}
       *[other] {" "}({ $error })
    }

reason-cstaRefused = The phone rejected the CSTA session with { $status }{ with-error }.
remedy-cstaRefused = Enable CSTA (uaCSTA) at the phone, and check that its firmware has it. The server asks again when the phone registers anew, else less and less often, down to once an hour.

reason-notReady = The phone rejected the CSTA session for now with { $status }{ with-error }.
remedy-notReady = Wait: the server asks again within a minute. If it lasts, restart the phone.

reason-serverNotTrusted = The phone rejected the CSTA session with { $status }{ with-error }.
remedy-serverNotTrusted = Enter the phones' password of the server as the password of the phone's account: the server answers the phone's challenge with it.

reason-rings = The phone rang on the CSTA INVITE, which the server cancelled.
remedy-rings = Enable CSTA (uaCSTA) at the phone and restart it: it takes the session for a call. The server asks again when the phone registers anew, else after an hour.

reason-noCsta = The phone accepted the session, but does not speak CSTA: { $why }.
remedy-noCsta = Enable CSTA (uaCSTA) at the phone, and update its firmware; a phone without CSTA cannot be controlled.

reason-noAnswer = The phone did not answer the { $request ->
        [invite] CSTA INVITE
       *[keepAlive] keep-alive
    }{ $proxy ->
        [none] {""}
       *[other] , but a proxy did with { $proxy }
    }.
remedy-noAnswer = Check that the phone is on and reachable at its address, and that no firewall or proxy stops requests to it; restart it.

reason-phoneOutOfService = The phone performs no requests: its system status is { $status }.
remedy-phoneOutOfService = Wait until the phone has started; if it lasts, restart the phone.

reason-sessionLost = The CSTA session ended: { $end ->
        [bye] the peer sent BYE
        [unknown] the peer no longer knows the dialog (481)
        [silent] the peer did not answer a request
        [expired] the session was not refreshed in time
        [connectionLost] the connection was lost
        [cancelled] the peer cancelled its INVITE
       *[stranded] the connection on which the peer continued it ended
    }.
remedy-sessionLost = Wait: the server opens the next session within a minute. If it happens again and again, update the phone's firmware.

reason-requestTooLarge = The CSTA INVITE is too large for a datagram.
remedy-requestTooLarge = Set the phone's transport to TCP or TLS.

line-unlicensed = There is no free licence for the line.
line-unlicensed-remedy = Add a licence, or have clients monitor fewer lines; see: uacsta licenses.

monitor-refused = The phone refused the monitor of the line: { $why }.
monitor-refused-remedy = Wait: the server asks again within a minute. If it lasts, restart the phone, and update its firmware.
