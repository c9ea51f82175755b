# What an operator should look after (GET /status, GET /licenses, GET /certificate).

add-a-licence = add a licence with: uacsta licenses add CODE
trial-ends = the evaluation period ends in { $days ->
        [one] { $days } day
       *[other] { $days } days
    } of running; then { $phones } phones and { $lines } lines are licensed: { add-a-licence }
trial-over = the evaluation period is over, and no phone is controlled: { add-a-licence }
few-phones = { $used } of { $licensed } licensed phones are in use; further ones may have to wait: { add-a-licence }
few-lines = { $used } of { $licensed } licensed monitored lines are in use; further ones may have to wait: { add-a-licence }
phone-list-unwritable = the phone list cannot be written; new phones are refused: make room on the disk of the data folder
audit-unwritable = the audit log cannot be written: { $error }; changes are made all the same. Make room on the disk of the data folder, and see that the server may write there
chain-out-of-order = { $subject } is signed by { $issuer }, but the next certificate in the file is { $next }: put each certificate before the one that signed it
chain-incomplete = the file contains only the server's certificate, and peers that do not trust { $issuer } reject it: append the certificate of this authority, unless all peers have it
