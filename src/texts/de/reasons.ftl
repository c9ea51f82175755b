# Warum ein Telefon nicht gesteuert wird: die Ursache (reason-) und was zu tun ist (remedy-), nach
# den Codes aus actors/src/reason/code.rs.

contact-failed = { $times ->
        [one] Eine Anmeldung von { $from } ist fehlgeschlagen
       *[other] { $times } Anmeldungen sind fehlgeschlagen, die letzte von { $from }
    }
contact-refused = Ein Gerät an der letzten Adresse des Telefons, { $from }, wurde { $times ->
        [one] einmal
       *[other] { $times }-mal
    } abgewiesen

reason-notInOperation = Ein Bediener hat das Telefon abgeschaltet.
remedy-notInOperation = Nehmen Sie das Telefon in Betrieb: uacsta phones on TELEFON.

reason-serviceStopped = Der Dienst für Telefone und Clients ist angehalten.
remedy-serviceStopped = Starten Sie den Dienst: uacsta service start.

reason-neverRegistered = Das Telefon steht in der Liste, hat sich aber noch nie angemeldet.
remedy-neverRegistered = Tragen Sie am Telefon die Adresse des Servers, das Kennwort der Telefone und als Benutzernamen die MAC-Adresse ein; prüfen Sie das Netzwerk und Firewalls dazwischen.

reason-notSinceStart = Das Telefon hat sich seit dem Start des Servers nicht angemeldet.
remedy-notSinceStart = Warten Sie die Dauer einer Registrierung ab; bleibt das Telefon weg, prüfen Sie seine Stromversorgung, sein Netzwerk und die in ihm eingetragene Adresse des Servers.

reason-loggedOff = Das Telefon hat sich abgemeldet.
remedy-loggedOff = Aktivieren Sie das Konto am Telefon: Es wurde dort abgeschaltet, oder das Telefon startet gerade neu.

reason-registrationLapsed = Das Telefon hat seine Registrierung nicht rechtzeitig erneuert.
remedy-registrationLapsed = Prüfen Sie Stromversorgung und Netzwerk des Telefons und ob eine Firewall oder NAT seine Verbindung trennt.

reason-connectionLost = Die Verbindung des Telefons ist abgebrochen (Meldung: { $why }).
remedy-connectionLost = Prüfen Sie Stromversorgung und Netzwerkkabel des Telefons; mit seinem nächsten REGISTER ist es wieder da.

reason-wrongPassword = { contact-failed }: Das Kennwort ist falsch.
remedy-wrongPassword = Tragen Sie am Telefon das Kennwort der Telefone ein, das der Server verlangt (phones.password).

reason-wrongCredentials = { contact-failed }: { $fault ->
        [algorithm] Der Digest-Algorithmus wurde nicht angeboten
        [unknownUser] Der Benutzername ist hier nicht bekannt
        [otherHash] Das Kennwort des Benutzers ist als Hash eines anderen Algorithmus gespeichert
        [otherUri] Die Anmeldedaten gelten für eine andere Request-URI
       *[password] Das Kennwort ist falsch
    }.
remedy-wrongCredentials = Tragen Sie den Benutzernamen am Telefon auch als Namen für die Authentifizierung ein; für ein Telefon, das nur MD5 kann, fügen Sie dieses in advanced.digest hinzu.

reason-clientsInterface = { contact-failed }: Es hat sich an der Schnittstelle der Clients angemeldet.
remedy-clientsInterface = Stellen Sie Server und Port des Telefons auf eine Schnittstelle der Telefone ein (phones.lan, phones.wan oder phones.udp).

reason-wrongUserName = { contact-refused }: Es meldet sich als „{ $user }“ an, { $whose ->
        [client] dem Namen eines Clients
       *[nobody] was kein Name eines Telefons ist
    }.
remedy-wrongUserName = Setzen Sie den Benutzernamen des Telefons auf seine MAC-Adresse, 12 hexadezimale Ziffern, oder lassen Sie mit phones.extensions Nebenstellen zu.

reason-registerRejected = { contact-failed } (Meldung: { $why }).
remedy-registerRejected = Berichtigen Sie in den Einstellungen des Telefons, was die Meldung nennt; ist dort alles richtig, starten Sie das Telefon neu.

reason-tlsTooOld = { contact-refused }: Es beherrscht nur veraltetes TLS (Meldung: { $why }).
remedy-tlsTooOld = Aktualisieren Sie die Firmware des Telefons, oder setzen Sie einen TLS-Proxy vor den Server (docs/tls-front.md).

reason-certificateNotTrusted = { contact-refused }: Es nimmt das Zertifikat des Servers nicht an (Meldung: { $why }).
remedy-certificateNotTrusted = Laden Sie die Zertifizierungsstelle des Servers (ca.pem im Datenordner, wenn der Server das Zertifikat erzeugt hat) in das Telefon; prüfen Sie die Uhr des Telefons und ob das Zertifikat den Host nennt, zu dem es sich verbindet.

reason-phoneCertificateRefused = { contact-refused }: Sein Zertifikat fehlt oder ist ungültig (Meldung: { $why }).
remedy-phoneCertificateRefused = Nehmen Sie die Stelle, die das Zertifikat des Telefons signiert hat, in phones.trusted_authority auf, oder geben Sie dem Telefon ein Zertifikat.

reason-tlsFailed = { contact-refused }: Die TLS-Verbindung kam nicht zustande (Meldung: { $why }).
remedy-tlsFailed = Vergleichen Sie die TLS-Einstellungen des Telefons mit denen des Servers.

reason-wrongTransport = { contact-refused }: Es spricht { $spoken ->
        [tls] TLS an einem TCP-Port
       *[sip] unverschlüsseltes SIP an einem TLS-Port
    }.
remedy-wrongTransport = Stellen Sie den Transport des Telefons auf den des Ports ein: TLS an einem TLS-Port, TCP an einem TCP-Port.

reason-sameName = Zwei Geräte melden sich abwechselnd mit diesem Namen an, von { $one } und von { $other }.
remedy-sameName = Setzen Sie den Benutzernamen jedes Telefons auf seine eigene MAC-Adresse, und starten Sie es neu; ist es ein einziges Telefon, geben Sie ihm eine feste Adresse.

reason-sameNumber = { $line } ist auch eine Leitung von { $other }; eine Anfrage eines Clients gilt deshalb keinem von beiden.
remedy-sameNumber = Entfernen Sie die Leitung von einem der Telefone, oder lassen Sie Clients das Telefon mit ;mac= hinter der Leitung auswählen.

reason-noLicence = Für das Telefon ist keine Lizenz frei.
remedy-noLicence = Fügen Sie eine Lizenz hinzu, oder schalten Sie Telefone ab, die keine brauchen; siehe: uacsta licenses.

reason-opening = Der Server baut die CSTA-Sitzung mit dem Telefon auf.
remedy-opening = Warten Sie: Das Telefon hat eine halbe Minute Zeit für die Antwort.

with-error = { $error ->
        [none] {""}
       *[other] {" "}({ $error })
    }

reason-cstaRefused = Das Telefon hat die CSTA-Sitzung mit { $status }{ with-error } abgelehnt.
remedy-cstaRefused = Schalten Sie CSTA (uaCSTA) am Telefon ein, und prüfen Sie, ob seine Firmware es kann. Der Server fragt erneut, wenn sich das Telefon neu anmeldet, sonst immer seltener, zuletzt stündlich.

reason-notReady = Das Telefon hat die CSTA-Sitzung vorläufig mit { $status }{ with-error } abgelehnt.
remedy-notReady = Warten Sie: Der Server fragt innerhalb einer Minute erneut. Bleibt es dabei, starten Sie das Telefon neu.

reason-serverNotTrusted = Das Telefon hat die CSTA-Sitzung mit { $status }{ with-error } abgelehnt.
remedy-serverNotTrusted = Tragen Sie das Kennwort der Telefone, das der Server verlangt, auch als Kennwort des Kontos am Telefon ein: Der Server beantwortet damit die Authentifizierungsanfrage des Telefons.

reason-rings = Das Telefon hat auf das CSTA-INVITE geklingelt; der Server hat es abgebrochen.
remedy-rings = Schalten Sie CSTA (uaCSTA) am Telefon ein, und starten Sie es neu: Es hält die Sitzung für einen Anruf. Der Server fragt erneut, wenn sich das Telefon neu anmeldet, sonst nach einer Stunde.

reason-noCsta = Das Telefon hat die Sitzung angenommen, spricht aber kein CSTA (Meldung: { $why }).
remedy-noCsta = Schalten Sie CSTA (uaCSTA) am Telefon ein, und aktualisieren Sie seine Firmware; ein Telefon ohne CSTA kann nicht gesteuert werden.

reason-noAnswer = Das Telefon hat { $request ->
        [invite] das CSTA-INVITE
       *[keepAlive] die Lebenszeichenabfrage
    } nicht beantwortet{ $proxy ->
        [none] {""}
       *[other] ; stattdessen hat ein Proxy mit { $proxy } geantwortet
    }.
remedy-noAnswer = Prüfen Sie, ob das Telefon eingeschaltet und unter seiner Adresse erreichbar ist und ob eine Firewall oder ein Proxy Anfragen an das Telefon aufhält; starten Sie es neu.

reason-phoneOutOfService = Das Telefon führt keine Anfragen aus: Sein Systemstatus ist { $status }.
remedy-phoneOutOfService = Warten Sie, bis das Telefon gestartet ist; bleibt es dabei, starten Sie es neu.

reason-sessionLost = Die CSTA-Sitzung ist beendet: { $end ->
        [bye] Das Telefon hat BYE gesendet
        [unknown] Das Telefon kennt den Dialog nicht mehr (481)
        [silent] Das Telefon hat eine Anfrage nicht beantwortet
        [expired] Die Sitzung wurde nicht rechtzeitig erneuert
        [connectionLost] Die Verbindung ist abgebrochen
        [cancelled] Das Telefon hat sein INVITE abgebrochen
       *[stranded] Die Verbindung, auf der das Telefon sie fortgesetzt hat, wurde beendet
    }.
remedy-sessionLost = Warten Sie: Der Server baut die nächste Sitzung innerhalb einer Minute auf. Geschieht es immer wieder, aktualisieren Sie die Firmware des Telefons.

reason-requestTooLarge = Das CSTA-INVITE ist zu groß für ein Datagramm.
remedy-requestTooLarge = Stellen Sie den Transport des Telefons auf TCP oder TLS ein.

line-unlicensed = Für die Leitung ist keine Lizenz frei.
line-unlicensed-remedy = Fügen Sie eine Lizenz hinzu, oder lassen Sie Clients weniger Leitungen beobachten; siehe: uacsta licenses.

monitor-refused = Das Telefon hat die Beobachtung der Leitung abgelehnt: { $why }.
monitor-refused-remedy = Warten Sie: Der Server fragt innerhalb einer Minute erneut. Bleibt es dabei, starten Sie das Telefon neu, und aktualisieren Sie seine Firmware.
