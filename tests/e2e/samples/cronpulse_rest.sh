curl -X POST https://app.cronpulse.live/api/v1/projects \
-H "X-API-Key: cpk_your_api_key" -H "Content-Type: application/json" \
-d '{
"name": "New Project",
"url": "https://example.com"
}'

curl -X PUT https://app.cronpulse.live/api/v1/projects/clxxx... \
-H "X-API-Key: cpk_your_api_key" -H "Content-Type: application/json" \
-d '{"name": "My Project"}'

curl -X POST https://app.cronpulse.live/api/v1/jobs \
-H "X-API-Key: cpk_your_api_key" -H "Content-Type: application/json" \
-d '{
"name": "Health Check",
"projectId": "clxxx...",
"url": "https://example.com/health",
"method": "GET",
"schedule": "*/5 * * * *",
"heartbeat": true,
"heartbeatTolerance": 5,
"timeout": 30,
"expectedStatusCode": 200,
"headers": {
"Authorization": "Bearer token"
}
}'

curl -H "X-API-Key: cpk_your_api_key" "https://app.cronpulse.live/api/v1/jobs?projectId=clxxx..."

curl -H "X-API-Key: cpk_your_api_key" https://app.cronpulse.live/api/v1/jobs/clyyy...

curl -X PUT https://app.cronpulse.live/api/v1/jobs/clyyy... \
-H "X-API-Key: cpk_your_api_key" -H "Content-Type: application/json" \
-d '{
"name": "Updated Job Name",
"url": "https://example.com/new-endpoint",
"schedule": "0 * * * *",
"heartbeat": false,
"timeout": 60
}'

curl "https://app.cronpulse.live/api/ping/clyyy...?client=cronpulse%20python"

curl "https://app.cronpulse.live/api/ping/clyyy.../start?client=cronpulse%20python"

curl "https://app.cronpulse.live/api/ping/clyyy.../success?client=cronpulse%20python"

curl "https://app.cronpulse.live/api/ping/clyyy.../fail?errorMessage=disk%20full"

curl https://app.cronpulse.live/api/run/clyyy...

curl "https://app.cronpulse.live/api/complete/clyyy...?failed=disk%20full"

curl -X DELETE -H "X-API-Key: cpk_your_api_key" https://app.cronpulse.live/api/v1/jobs/clyyy...

curl -X DELETE -H "X-API-Key: cpk_your_api_key" https://app.cronpulse.live/api/v1/projects/clxxx...
