# Ablehnungen der API.

## Die Arten von Problemen (GET /problems/{type})

unreadable-title = Nicht lesbar
unreadable-description = Der Inhalt der Anfrage ist kein JSON.
invalid-title = Ungültig
invalid-description = Ein Element oder Parameter ist unbekannt, fehlt oder hat einen falschen Wert; `violations` nennt jedes einzeln.
not-logged-on-title = Nicht angemeldet
not-logged-on-description = Die Anfrage enthält keine oder falsche Anmeldedaten.
no-right-title = Keine Berechtigung
no-right-description = Der Anmeldung fehlt das Recht, das der Vorgang erfordert, oder ein Browser hat die Anfrage im Auftrag einer fremden Website gesendet.
not-found-title = Nicht gefunden
not-found-description = Diese Ressource gibt es nicht.
no-such-line-title = Leitung nicht vorhanden
no-such-line-description = Kein Telefon hat diese Leitung.
ambiguous-line-title = Leitung nicht eindeutig
ambiguous-line-description = Mehrere Telefone haben diese Leitung; `;mac=` dahinter wählt eines aus.
invalid-state-title = In diesem Zustand nicht möglich
invalid-state-description = Der Zustand der Ressource lässt den Vorgang nicht zu; `detail` nennt ihn.
line-out-of-service-title = Leitung außer Betrieb
line-out-of-service-description = Das Telefon ist nicht angemeldet, abgeschaltet oder hat keine Sitzung; `reason` des Telefons nennt den Grund.
request-in-progress-title = Anfrage in Bearbeitung
request-in-progress-description = Die erste Anfrage mit diesem `Idempotency-Key` wird noch ausgeführt; wiederholen Sie sie später, um die Antwort zu erhalten.
key-reused-title = Schlüssel bereits verwendet
key-reused-description = Der `Idempotency-Key` wurde schon mit einem anderen Inhalt oder an einen anderen Pfad gesendet; jede Anfrage braucht einen eigenen Schlüssel.
changed-meanwhile-title = Inzwischen geändert
changed-meanwhile-description = Die Ressource entspricht nicht mehr `If-Match`; `changed` sagt, wer sie wann geändert hat, falls das bekannt ist. Lesen Sie sie neu, und wiederholen Sie die Änderung mit ihrem ETag.
if-match-needed-title = If-Match erforderlich
if-match-needed-description = Die Änderung muss mit `If-Match` angeben, für welchen Stand der Ressource sie gilt: den ETag eines GET.
too-many-title = Zu viele Anfragen
too-many-description = Zu viele Anfragen oder fehlgeschlagene Anmeldungen; wiederholen Sie die Anfrage nach den Sekunden von `Retry-After`.
unavailable-title = Nicht verfügbar
unavailable-description = Der Server wird beendet, oder sein Datenträger ist voll; versuchen Sie es später erneut.

## Probleme, die ihr Status beschreibt

status-400-title = Fehlerhafte Anfrage
status-405-title = Methode nicht erlaubt
status-406-title = Format nicht verfügbar
status-413-title = Inhalt zu groß
status-415-title = Format nicht unterstützt
status-416-title = Bereich nicht vorhanden
status-421-title = Falscher Server
status-426-title = Protokollwechsel nötig
status-500-title = Interner Fehler

## Anfragen, die nicht lesbar sind

body-not-json = Der Inhalt der Anfrage muss JSON sein: Senden Sie Content-Type: application/json
body-unreadable = Der Inhalt der Anfrage ist kein JSON: { $error }
body-no-object = Der Inhalt der Anfrage muss ein JSON-Objekt sein
unknown-member = Unbekanntes Element; { $known ->
        [none] hier gibt es keine
       *[other] bekannt sind { $known }
    }
missing-member = Das Element fehlt
wrong-value = Falscher Wert ({ $error })
no-parameters = Dieser Vorgang hat keine Parameter
unknown-parameter = Unbekannter Parameter; bekannt sind { $known }
given-twice = Der Parameter ist doppelt angegeben
true-or-false = Der Wert muss true oder false sein
method-not-allowed = Die Methode { $method } ist nicht erlaubt (erlaubt: { $allow })
known-forms = Verfügbare Formate sind { $known }
one-host = Eine Anfrage braucht genau ein Host-Feld
foreign-host = { $host } ist kein Host dieses Servers: Verwenden Sie seine Adresse, oder fügen Sie den Namen in web.names hinzu
no-page = Diese Seite gibt es nicht
no-problem-type = Es gibt kein Problem { $name }

## Listen

no-next = Der Wert ist nicht das `next` einer Seite dieser Liste
no-limit = Der Wert muss eine Zahl von 1 bis { $most } sein
not-sorted-by = Diese Liste wird nach { $known } sortiert, nicht nach { $name }
sorted-twice = { $name } ist doppelt angegeben

## Anmeldung und Rechte

name-or-password-wrong = Name oder Kennwort ist falsch
log-on-needed = Melden Sie sich mit einem Bearer-Token an, zum Beispiel dem aus cli.token, oder beginnen Sie eine Sitzung mit Name und Kennwort (POST /api/v1/session)
token-ended = Das Token ist abgelaufen; bitten Sie einen Administrator um ein neues
too-many-log-ons = Zu viele fehlgeschlagene Anmeldungen; versuchen Sie es in { $seconds } Sekunden erneut
ticket-wrong = Das Ticket wurde schon benutzt, ist abgelaufen oder falsch; POST /api/v1/tickets stellt ein neues aus
too-many-tickets = { $most } Tickets sind unbenutzt; versuchen Sie es erneut, wenn einige abgelaufen sind
link-wrong = Der Link wurde schon benutzt, ist abgelaufen oder falsch; uacsta web gibt einen neuen aus
name-and-password = Geben Sie Name und Kennwort an, oder nur einen Link
right-needed = { $name } darf { $right ->
        [read] lesen
        [operate] bedienen
        [administer] verwalten
       *[lines] die eigenen Leitungen benutzen
    }; dies erfordert aber das Recht zum { $needed ->
        [read] Lesen
        [operate] Bedienen
       *[administer] Verwalten
    }
right-lacking = { $name } hat nicht das Recht zum { $needed ->
        [read] Lesen
       *[administer] Verwalten
    }
cross-origin = Anfrage einer fremden Website abgelehnt: Origin stimmt nicht mit Host überein
foreign-page = Mit einem Cookie muss eine Änderung von einer Seite dieses Servers kommen: Sec-Fetch-Site oder Origin bestätigen das nicht
foreign-web-socket = Mit einem Cookie muss ein WebSocket von einer Seite dieses Servers geöffnet werden: Origin bestätigt das nicht
no-session = Es gibt keine Sitzung { $id }

## Grenzen

too-fast = { $name } sendet mehr als { $rate } Anfragen in der Sekunde (limits.api_requests); warten Sie die Sekunden von Retry-After ab
too-many-at-once = { $most } Anfragen von { $name } sind in Bearbeitung, die Hälfte von limits.api_connections; warten Sie vor der nächsten eine Antwort ab
connection-used-up = Zu viele Anfragen ohne Anmeldung auf einer Verbindung; öffnen Sie eine neue
connections-in-use = Alle Verbindungen sind belegt (limits.api_connections); beenden Sie eine, oder erhöhen Sie die Grenze
streams-of-all = { $what ->
        [events] Ereignisse werden
        [messages] Nachrichten werden
       *[log] Das Protokoll wird
    } bereits { $most }-mal mitgelesen; beenden Sie eine dieser Verbindungen
streams-of-one = { $name } liest { $what ->
        [events] Ereignisse
        [messages] Nachrichten
       *[log] das Protokoll
    } bereits { $own }-mal mit; beenden Sie eine dieser Verbindungen
messages-followed = Nachrichten werden bereits zu oft mitgelesen; beenden Sie eine dieser Verbindungen

## Wiederholte Anfragen und Änderungen

key-of-another-request = Dieser Idempotency-Key gehört zu einer anderen Anfrage; verwenden Sie für jede einen neuen
still-in-progress = Die Anfrage mit diesem Idempotency-Key wird noch ausgeführt; fragen Sie später erneut
key-length = Der Idempotency-Key muss 1 bis { $most } druckbare Zeichen haben
name-the-state = Geben Sie den Stand an, den Sie ändern: Senden Sie If-Match mit dem ETag Ihres letzten GET
changed-since = Jemand hat es geändert, seit Sie es gelesen haben; lesen Sie es neu

## Der Server

server-stopping = Der Server wird beendet
stopping-or-overloaded = Der Server wird beendet oder ist überlastet
request-failed = Die Anfrage ist fehlgeschlagen
registrar-ended = Der Registrar läuft nicht
service-stopped = Der Dienst für Telefone und Clients ist angehalten; starten Sie ihn mit: uacsta service start
service-not-started = Der Dienst kann nicht gestartet werden: { $error }
licensing-ended = Die Lizenzverwaltung läuft nicht

## Telefone und Leitungen

no-phone = Ein Telefon { $name } steht nicht in der Liste der Telefone; nennen Sie seine MAC-Adresse, zum Beispiel 00:04:13:aa:bb:cc, oder die Nebenstelle, unter der es geführt wird; uacsta phones gibt die Liste aus
no-such-phone = Dieses Telefon gibt es nicht
no-phone-id = Ein Telefon wird mit seiner MAC-Adresse aus zwölf hexadezimalen Ziffern benannt oder mit einer Nebenstelle aus höchstens 30 Buchstaben und Ziffern
display-name-empty = Der Name darf nicht leer sein; null entfernt ihn
display-name-characters = Der Name darf keine Steuerzeichen und keine Zeichen für die Schreibrichtung enthalten
phone-not-listed = Kein Telefon wird als { $phone } geführt
phone-registered = { $phone } ist angemeldet und stünde sofort wieder in der Liste: Trennen Sie es zuerst vom Netz, oder schalten Sie es nur ab: uacsta phones off { $phone }
phone-listed = { $phone } steht schon in der Liste
extensions-unset = { $phone } ist eine Nebenstelle; Telefone melden sich aber mit ihrer MAC-Adresse an, solange phones.extensions nicht gesetzt ist
too-many-unknown-phones = limits.unknown_phones ist mit Telefonen ausgeschöpft, die nie eine Leitung gemeldet haben: Entfernen Sie die, die es nicht gibt, oder erhöhen Sie die Grenze
phone-failed = Beim Telefon { $phone } ist ein interner Fehler aufgetreten; versuchen Sie es erneut
session-restarts = Die Sitzung mit dem Telefon { $phone } wird bereits neu aufgebaut
no-session-with-phone = Der Server hat keine Sitzung mit dem Telefon { $phone }. { $why }
phone-is-away = Es ist nicht da.
lines-not-listed = Das Telefon { $phone } hat seine Leitungen noch nicht gemeldet
no-line = Kein Telefon hat diese Leitung
line-name-long = Keine Leitung hat einen so langen Namen
line-of-several = Mehrere Telefone haben diese Leitung; geben Sie mit ;mac=<MAC> an, welches gemeint ist
invalid-csta = Ungültige CSTA-Anfrage: { $why }
no-csta-request = { $name } ist keine CSTA-Anfrage

## Clients und ihre Nachrichten

no-client = Kein Client { $name } ist verbunden; nennen Sie seine Kennung oder seinen Benutzernamen: uacsta clients gibt sie aus
several-clients = Mehrere Clients haben sich als { $name } angemeldet; nennen Sie einen mit seiner Kennung: uacsta clients gibt sie aus
no-messages-of-client = Von einem Client { $user } sind keine Nachrichten aufbewahrt; ein Client wird mit dem Benutzernamen benannt, mit dem er sich anmeldet

## Konten, Tokens und Bediener

name-length = Der Name muss 1 bis 64 Zeichen haben
name-in-spaces = Der Name darf weder mit einem Leerzeichen beginnen noch damit enden
account-name-characters = Der Name darf keine Anführungszeichen, umgekehrten Schrägstriche, Doppelpunkte, Schrägstriche und Steuerzeichen enthalten
account-exists = Es gibt schon ein Konto { $user }
account-in-settings = Das Konto { $user } steht in den Einstellungen, { $place }: Ändern Sie es dort
accounts-full = Es gibt schon { $most } Konten; entfernen Sie eines, oder erhöhen Sie limits.accounts
no-account = Es gibt kein Konto { $user }
rights-at-most = Höchstens 16 sind möglich
lines-of-right = Ein Recht nennt 1 bis 1000 Leitungen; * steht für alle
name-of-line = Der Name einer Leitung hat 1 bis 512 Oktette und weder Leerzeichen noch Komma, Anführungszeichen oder spitze Klammern
no-groups = Gruppen von Leitungen gibt es nicht; nennen Sie die Leitungen
numbers-at-most = Höchstens 100 Rufnummern sind möglich
token-name = Der Name muss 1 bis 64 Zeichen haben, und keine Steuerzeichen
in-the-past = Der Zeitpunkt ist schon vorbei
no-token = Das Konto hat kein Token { $id }
tokens-full = Es gibt schon { $most } Tokens; widerrufen Sie eines, oder erhöhen Sie limits.tokens
operator-name-characters = Der Name darf keine Doppelpunkte, Schrägstriche, Klammern und Steuerzeichen enthalten
name-of-administrator = admin ist der Administrator aus den Einstellungen; wählen Sie einen anderen Namen
name-of-command-line = cli.token ist die Kommandozeile; wählen Sie einen anderen Namen
operator-exists = Es gibt schon einen Bediener { $name }
operators-full = Es gibt schon { $most } Bediener; entfernen Sie zuerst einen
no-operator = Es gibt keinen Bediener { $name }
password-long = Das Kennwort darf höchstens 1024 Zeichen haben
password-short = Das Kennwort hat weniger als { $least } Zeichen; wählen Sie ein längeres
password-guessable = Das Kennwort ist leicht zu erraten; wählen Sie mehrere Wörter oder zufällige Buchstaben, kein verbreitetes Kennwort, keinen Namen, kein Datum und keine Tastenreihe mit kleinen Zusätzen
password-not-hashed = Der Hash des Kennworts lässt sich nicht bilden: { $error }
change-failed = Die Änderung ist nicht möglich: { $error }

## Lizenzen

licence-code-garbled = Ungültiger Lizenzcode: Der Code ist nicht vollständig; kopieren Sie ihn noch einmal vom ersten bis zum letzten Buchstaben
licence-code-newer = Ungültiger Lizenzcode: Sein Format ist neuer als dieser Server; aktualisieren Sie den Server
licence-code-foreign = Ungültiger Lizenzcode: Er ist nicht vom Aussteller der Lizenzen für dieses Programm signiert
licence-known = Die Lizenz { $serial } wurde schon hinzugefügt
licence-in-file = Die Lizenz { $serial } steht in licenses.codes der Einstellungsdatei; entfernen Sie sie dort
no-licence = Es gibt keine Lizenz { $serial }
no-licences-needed = Dieses Programm wurde ohne Aussteller von Lizenzen gebaut und braucht keine

## Einstellungen

configuration-unchanged = Die Konfiguration bleibt unverändert: { $error }
settings-unchanged = Die Einstellungen bleiben unverändert: { $error }
reload-in-progress = Die Konfiguration wird gerade neu geladen; versuchen Sie es gleich noch einmal
no-undo = Diese Änderung lässt sich nicht rückgängig machen: Das ist einmal möglich, innerhalb einer Minute und solange sich keine ihrer Einstellungen erneut ändert

## Vorgänge, Support-Pakete, Protokolle und Ereignisse

no-operation = Diesen Vorgang gibt es nicht; die letzten acht werden aufbewahrt, bis der Server beendet wird
operation-cancelled = Der Vorgang wurde abgebrochen
operation-broken-off = Der Webserver wurde beendet oder auf eine andere Adresse verlegt, oder ein interner Fehler ist aufgetreten; beginnen Sie erneut
bundle-not-written = Das Support-Paket lässt sich nicht schreiben ({ $error }); schaffen Sie Platz auf dem Datenträger des Datenordners
messages-for-administrators = Nachrichten von Telefonen sind Administratoren vorbehalten; lassen Sie phones weg
phones-at-most = Höchstens { $most } Telefone sind möglich
operations-in-progress = Es laufen bereits zwei Vorgänge; warten Sie, bis einer fertig ist, oder brechen Sie einen ab
caller-needs-call = Das gilt für eine Prüfung mit Anrufen; geben Sie auch call an
bundle-of-another = Ein Support-Paket ist für den, der es angefordert hat, und für Administratoren
bundle-not-done = Das Support-Paket ist nicht fertig; sein Vorgang nennt den Grund
no-log-file = Diese Protokolldatei gibt es nicht; uacsta logs files (GET /api/v1/logs) nennt alle
size-of-file = Die Datei hat { $size } Oktette
logs-unreadable = Die Protokolldateien lassen sich nicht lesen: { $error }
audit-unreadable = Das Änderungsprotokoll lässt sich nicht lesen: { $error }
at-or-not = Der Wert muss at oder -at sein
no-wait = Der Wert muss eine Anzahl von Sekunden von 0 bis { $most } sein
unknown-topic = Unbekanntes Thema; bekannt sind { $known }
live-topics-at-most = Höchstens { $most } Themen einer Verbindung sind logs oder trace
live-topics-polled = logs und trace gibt es nur live, über einen WebSocket oder Server-Sent Events; fragen Sie stattdessen /logs/lines oder den trace des Telefons ab
web-socket-version = Nur Version 13 von WebSockets ist verfügbar
no-web-socket = Die Anfrage öffnet keinen WebSocket: { $error }
topics-needed = Nennen Sie Themen, durch Kommas getrennt: { $known }
