# Worum sich ein Bediener kümmern sollte (GET /status, GET /licenses, GET /certificate).

add-a-licence = Fügen Sie eine Lizenz hinzu: uacsta licenses add CODE
trial-ends = Die Testphase endet in { $days ->
        [one] { $days } Tag
       *[other] { $days } Tagen
    } Laufzeit; dann sind { $phones } Telefone und { $lines } Leitungen lizenziert. { add-a-licence }
trial-over = Die Testphase ist abgelaufen, und kein Telefon wird gesteuert. { add-a-licence }
few-phones = { $used } von { $licensed } lizenzierten Telefonen sind in Betrieb; weitere müssen vielleicht warten. { add-a-licence }
few-lines = { $used } von { $licensed } lizenzierten überwachten Leitungen sind belegt; weitere müssen vielleicht warten. { add-a-licence }
phone-list-unwritable = Die Liste der Telefone lässt sich nicht schreiben; neue Telefone werden abgewiesen. Schaffen Sie Platz auf dem Datenträger des Datenordners
audit-unwritable = Das Änderungsprotokoll lässt sich nicht schreiben ({ $error }); Änderungen werden trotzdem ausgeführt. Schaffen Sie Platz auf dem Datenträger des Datenordners, und prüfen Sie, ob der Server dort schreiben darf
chain-out-of-order = { $subject } ist von { $issuer } signiert, aber das nächste Zertifikat in der Datei ist { $next }: Setzen Sie jedes Zertifikat vor das, mit dem es signiert ist
chain-incomplete = Die Datei enthält nur das Zertifikat des Servers; Gegenstellen, die { $issuer } nicht vertrauen, lehnen es ab: Hängen Sie das Zertifikat dieser Stelle an, wenn nicht alle Gegenstellen es haben
