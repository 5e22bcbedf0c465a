curl -X GET "https://cronbeats.com/api/v1/jobs/123" -H "X-API-Key: cb_your_api_key_here"

curl -X PUT "https://cronbeats.com/api/v1/jobs/123/update" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{"name": "Hourly Database Backup", "expected_interval_seconds": 3600}'

curl -X POST "https://cronbeats.com/ping/Abcd1234" -H "Content-Type: application/json"

curl -X POST "https://cronbeats.com/ping/Abcd1234/start" -H "Content-Type: application/json"

curl -X POST "https://cronbeats.com/ping/Abcd1234/progress/50" \
  -H "Content-Type: application/json" \
  -d '{"message": "half"}'

curl -X POST "https://cronbeats.com/ping/Abcd1234/progress" \
  -H "Content-Type: application/json" \
  -d '{"message": "copying"}'

curl -X POST "https://cronbeats.com/ping/Abcd1234/end/success" -H "Content-Type: application/json"

curl -X POST "https://cronbeats.com/ping/Abcd1234/end/fail" -H "Content-Type: application/json"

curl -X GET "https://cronbeats.com/api/v1/jobs/123/signals" -H "X-API-Key: cb_your_api_key_here"

curl -X POST "https://cronbeats.com/api/v1/jobs/123/pause" -H "X-API-Key: cb_your_api_key_here"

curl -X POST "https://cronbeats.com/api/v1/jobs/123/resume" -H "X-API-Key: cb_your_api_key_here"

curl -X POST "https://cronbeats.com/api/v1/jobs/bulk/pause" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{
  "job_ids": [123, 456, 789]
}'

curl -X POST "https://cronbeats.com/api/v1/jobs/bulk/resume" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{"job_ids": [123, 456, 789]}'

curl -X GET "https://cronbeats.com/api/v1/integrations/alert-rules" \
  -H "X-API-Key: cb_your_api_key_here"

curl -X POST "https://cronbeats.com/api/v1/jobs/123/delete" -H "X-API-Key: cb_your_api_key_here"

curl -X POST "https://cronbeats.com/api/v1/jobs/bulk/delete" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{"job_ids": [123, 456, 789]}'
