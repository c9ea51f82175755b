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
changed-meanwhile-description = Die Ressource entspricht nicht mehr `If-Match`; lesen Sie sie neu, und wiederholen Sie die Änderung mit ihrem ETag.
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
status-500-title = Interner Fehler
