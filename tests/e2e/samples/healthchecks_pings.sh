curl -m 10 --retry 5 "https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc

curl -m 10 --retry 5 --head https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc

curl -m 10 --retry 5 "https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/start?rid=123e4567-e89b-12d3-a456-426614174000"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/start

curl -m 10 --retry 5 --head https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/start

curl -m 10 --retry 5 "https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/fail"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/fail

curl -m 10 --retry 5 --head https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/fail

curl -m 10 --retry 5 "https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/log"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/log

curl -m 10 --retry 5 --head https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/log

curl -m 10 --retry 5 "https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/1"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/1

curl -m 10 --retry 5 --head https://hc-ping.com/f618072a-7bde-4eee-af63-71a77c5723bc/1

curl -m 10 --retry 5 "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups

curl -m 10 --retry 5 --head https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups

curl -m 10 --retry 5 "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/start?rid=123e4567-e89b-12d3-a456-426614174000"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/start

curl -m 10 --retry 5 --head https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/start

curl -m 10 --retry 5 "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/fail"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/fail

curl -m 10 --retry 5 --head https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/fail

curl -m 10 --retry 5 "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/log"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/log

curl -m 10 --retry 5 --head https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/log

curl -m 10 --retry 5 "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/1"

curl -m 10 --retry 5 --data 'hello' https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/1

curl -m 10 --retry 5 --head https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/db-backups/1

curl -m 10 --retry 5 "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/srv01?create=1"
