curl -H "Authorization: Bearer your-api-token" \
https://cronmonitor.io/api/v1/monitors

curl -H "X-API-Key: your-api-token" \
https://cronmonitor.io/api/v1/monitors

curl -H "Authorization: Bearer your-api-token" \
https://cronmonitor.io/api/v1/monitors

curl -H "Authorization: Bearer your-api-token" \
https://cronmonitor.io/api/v1/monitors/mon_abc123

curl -X POST \
-H "Authorization: Bearer your-api-token" \
-H "Content-Type: application/json" \
-d '{
"name": "Daily Backup",
"schedule": "0 2 * * *",
"timezone": "Europe/Warsaw",
"grace_period": 300
}' \
https://cronmonitor.io/api/v1/monitors

curl -X DELETE \
-H "Authorization: Bearer your-api-token" \
https://cronmonitor.io/api/v1/monitors/mon_abc123
