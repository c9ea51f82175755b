# Die Seiten für Administratoren.

page-skip = Zum Inhalt
page-navigation = Seiten
page-overview = Überblick
page-telephones = Telefone
page-clients = Clients
page-phone-connection = Anschluss der Telefone
page-client-connection = Anschluss der Clients
page-advanced = Erweitert
page-licences = Lizenzen
page-log = Protokoll
page-server = Server
page-operators = Bediener und Änderungen
page-log-off = Abmelden
page-log-on = Anmelden
page-connection-lost = Die Verbindung zum Server ist unterbrochen. Sie sehen den letzten Stand; es wird von selbst weiter versucht.
page-keys = Tasten
page-key-search = Suchen
page-close = Schließen
page-refused = Das kann nicht gezeigt werden
page-search = Suchen
page-next = Weiter
page-first = Vom Anfang
page-yes = Ja
page-no = Nein
page-since = Seit
page-by = durch { $name }
page-remove = Entfernen

log-on-name = Name
log-on-password = Kennwort
log-on-hint = Das Kennwort des Benutzers admin steht in secrets.toml im Datenordner; uacsta web zeigt einen Link, der ohne Kennwort anmeldet.
log-on-script = Die Anmeldung braucht JavaScript, das dieser Browser nicht ausführt.
log-on-busy = Anmeldung …
log-on-silent = Der Server antwortet nicht.

phones-controlled = { $count } gesteuert
phones-registered = { $count } angemeldet, aber nicht gesteuert
phones-away = { $count } abwesend
phones-total = { $count ->
        [one] ein Telefon
       *[other] { $count } Telefone
    }
phones-first = Das erste Telefon anschließen
phones-first-how = Noch hat sich kein Telefon angemeldet. Tragen Sie dies in die Einstellungen eines Telefons ein, das uaCSTA spricht:
phones-first-server = Registrar ({ $name })
phones-first-user = Benutzername
phones-first-mac = die MAC-Adresse des Telefons, 12 hexadezimale Ziffern
phones-first-password = Kennwort
phones-first-where = phones.password, beim ersten Start erzeugt, in secrets.toml im Datenordner
phones-search = Name, Nummer, MAC-Adresse, Adresse, Hersteller oder Grund
phones-filter = Welche Telefone
phones-all = Alle
phones-none-found = Kein Telefon passt dazu. Wählen Sie einen anderen Filter oder suchen Sie nach weniger.
phones-of-reason = Nur die mit dem Grund { $name }.
phone-state = Zustand
phone-ok = Gesteuert
phone-red = Nicht gesteuert
phone-away = Abwesend
phone-off = Ausgeschaltet
phone-name = Name
phone-maker = Hersteller und Modell
phone-mac = MAC-Adresse
phone-address = Adresse
phone-identity = Letzte Identität
phone-last-log-on = Letzte Anmeldung
phone-in-operation = In Betrieb
phone-switch = Betrieb von { $name }
phone-switch-off = Ausschalten
phone-switch-on = In Betrieb nehmen
phone-restart = CSTA-Sitzung neu öffnen
phone-remove = Entfernen
phone-remove-sure = { $name } entfernen? Seine Leitungen sind dann frei; meldet es sich wieder an, gilt es als neu.
phone-firmware = Firmware
phone-extension = Nebenstelle
phone-lines = Leitungen
phone-no-lines = Das Telefon hat noch keine Leitungen genannt.
phone-messages = Letzte SIP-Nachrichten
phone-no-messages = Es sind keine Nachrichten aufgehoben.
phone-received = vom Telefon
phone-sent = zum Telefon
phone-whole-log = Alle Zeilen darüber
line-number = Nummer
line-watched = Beobachtet von
line-idle = Frei
line-ringing = Klingelt
line-busy = Im Gespräch
line-out-of-service = Außer Betrieb
line-unknown = Nicht beobachtet
watch-on = Beobachtet
watch-starting = Beginnt
watch-refused = Abgelehnt
watch-off = Niemand

overview-well = Alles in Ordnung.
overview-trouble = Etwas braucht Aufmerksamkeit.
overview-phones = { $count ->
        [one] Ein Telefon kann nicht gesteuert werden
       *[other] { $count } Telefone können nicht gesteuert werden
    }
overview-others = { $count ->
        [one] und ein weiteres
       *[other] und { $count } weitere
    }

service-running = Telefone und Clients werden bedient
service-is-stopped = Der Dienst für Telefone und Clients ist angehalten
service-stop = Dienst anhalten
service-start = Dienst starten
service-stop-sure = Den Dienst anhalten? Kein Telefon kann gesteuert werden, bis er wieder startet; diese Seiten laufen weiter.

server-warnings = Warnungen
server-version = Version
server-started = Läuft seit
server-lines = Beobachtete Leitungen
server-sessions = CSTA-Sitzungen von Clients
server-connections = Offene Verbindungen
server-strangers = ({ $count } nicht angemeldet)
server-list = Telefonliste
server-list-saved = Gespeichert
server-list-unsaved = Kann nicht geschrieben werden; { $count } Änderungen sind nicht auf der Platte
server-listeners = Schnittstellen
server-phones-on = Telefone, { $name }
server-clients-on = Clients, { $name }
server-api = Die API und ihre Beschreibung

clients-none = Kein Client ist verbunden. Programme melden sich hier an:
clients-search = Benutzer oder Adresse
client-user = Benutzer
client-sessions = Sitzungen
client-monitors = Monitore
client-pending = Wartende Anfragen
client-act = Aktion
client-by-front-end = durch ein Vorsystem
client-end = Beenden
client-end-of = Den Client { $name } beenden
client-end-sure = Den Client { $name } beenden? Er darf sich wieder anmelden.

licences-phones = Telefone
licences-lines = Beobachtete Leitungen
licences-evaluation = Testzeit
licences-days = { $count ->
        [0] vorbei
        [one] noch ein Tag
       *[other] noch { $count } Tage
    }
licences-none = Es gibt noch keine Lizenz.
licences-unneeded = Dieses Programm braucht keine Lizenzen.
licence-serial = Nummer
licence-code = Lizenzcode
licence-add = Hinzufügen
licence-remove-of = Lizenz { $name } entfernen
licence-remove-sure = Lizenz { $name } entfernen? Bleiben zu wenige, verlieren die neuesten Telefone und Leitungen ihre.

log-all = Alle
log-info = Ab Information
log-warn = Ab Warnung
log-error = Nur Fehler
log-text = Text
log-phone = Telefon
log-level = Stufe
log-none = Keine Zeile passt dazu.
log-older = Ältere

operators-about = Den Benutzer admin gibt es immer; sein Kennwort ist web.password.
operators-none = Es gibt noch keinen weiteren Bediener.
operators-right-missing = Bediener und Änderungen sehen nur Administratoren.
operator-name = Name
operator-password = Kennwort
operator-rights = Rechte
operator-add = Hinzufügen
operator-remove-of = Den Bediener { $name } entfernen
operator-remove-sure = Den Bediener { $name } entfernen? Seine Sitzungen enden sofort.
right-read = Lesen
right-operate = Bedienen
right-admin = Verwalten
audit-title-page = Wer hat was geändert
audit-search = Wer, was oder woher
audit-none = Kein Eintrag passt dazu.
audit-at = Wann
audit-who = Wer
audit-what = Was
audit-outcome = Ergebnis
audit-done = Ausgeführt
audit-refused = Abgelehnt
audit-failed = Gescheitert

certificate = Zertifikat
certificate-subject = Inhaber
certificate-issuer = Unterschrieben von
certificate-names = Namen
certificate-until = Gültig bis
certificate-fingerprint = SHA-256
certificate-days = { $count ->
        [0] endet heute oder ist abgelaufen
        [one] noch ein Tag
       *[other] noch { $count } Tage
    }

settings-read-only = Nur Administratoren dürfen Einstellungen ändern.
settings-changed = Die Einstellung ist geändert.
settings-undo = Rückgängig
settings-changed-meanwhile = Jemand hat die Einstellungen inzwischen geändert. Die Seite zeigt sie jetzt; übernehmen Sie noch einmal, wenn Sie es weiter wollen.
settings-not-read = Das ist kein JSON-Wert. Eine Liste schreibt man als ["a", "b"].
setting-set = ist gesetzt; zum Ändern ein neues eingeben
setting-unset = ist nicht gesetzt
setting-seconds = Sekunden
setting-apply = Übernehmen
setting-apply-of = { $name } übernehmen
setting-reset = Zurücksetzen
setting-reset-of = { $name } zurücksetzen
setting-default = Voreinstellung
setting-file = Aus der Einstellungsdatei
setting-environment = Aus der Umgebung
setting-operator = Hier gesetzt
setting-default-is = Voreinstellung
setting-locked = hier nicht änderbar
setting-at-once = gilt sofort
setting-next-connection = gilt ab der nächsten Verbindung
setting-next-start = gilt ab dem nächsten Start
