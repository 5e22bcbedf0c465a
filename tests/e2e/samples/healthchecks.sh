curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v3/checks/

curl https://healthchecks.io/api/v3/checks/ \
    --header "X-Api-Key: your-api-key" \
    --data '{"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v3/checks/ \
    --data '{"api_key": "your-api-key", "name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc

curl https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc \
    --header "X-Api-Key: your-api-key" \
    --data '{"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc \
    --data '{"api_key": "your-api-key", "name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pause \
    --request POST --header "X-Api-Key: your-api-key" --data ""

curl https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc/resume \
    --request POST --header "X-Api-Key: your-api-key" --data ""

curl https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pings/ \
    --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pings/1/body \
    --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v3/checks/f618072a-7bde-4eee-af63-71a77c5723bc/flips/ \
    --header "X-Api-Key: your-api-key"

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v3/channels/

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v3/badges/

curl https://healthchecks.io/api/v3/status/

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v2/checks/

curl https://healthchecks.io/api/v2/checks/ \
    --header "X-Api-Key: your-api-key" \
    --data '{"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v2/checks/ \
    --data '{"api_key": "your-api-key", "name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc

curl https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc \
    --header "X-Api-Key: your-api-key" \
    --data '{"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc \
    --data '{"api_key": "your-api-key", "name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pause \
    --request POST --header "X-Api-Key: your-api-key" --data ""

curl https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc/resume \
    --request POST --header "X-Api-Key: your-api-key" --data ""

curl https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pings/ \
    --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pings/1/body \
    --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v2/checks/f618072a-7bde-4eee-af63-71a77c5723bc/flips/ \
    --header "X-Api-Key: your-api-key"

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v2/channels/

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v2/badges/

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v1/checks/

curl https://healthchecks.io/api/v1/checks/ \
    --header "X-Api-Key: your-api-key" \
    --data '{"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v1/checks/ \
    --data '{"api_key": "your-api-key", "name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc \
    --header "X-Api-Key: your-api-key" \
    --data '{"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc \
    --data '{"api_key": "your-api-key", "name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}'

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pause \
    --request POST --header "X-Api-Key: your-api-key" --data ""

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc/resume \
    --request POST --header "X-Api-Key: your-api-key" --data ""

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pings/ \
    --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc/pings/1/body \
    --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc/flips/ \
    --header "X-Api-Key: your-api-key"

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v1/channels/

curl --header "X-Api-Key: your-api-key" https://healthchecks.io/api/v1/badges/

curl https://healthchecks.io/api/v3/checks/803f680d-e89b-492b-82ef-2be7b774a92d \
    --request DELETE --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v2/checks/0c8983c9-9d73-446f-adb5-0641fdacc9d4 \
    --request DELETE --header "X-Api-Key: your-api-key"

curl https://healthchecks.io/api/v1/checks/f618072a-7bde-4eee-af63-71a77c5723bc \
    --request DELETE --header "X-Api-Key: your-api-key"
