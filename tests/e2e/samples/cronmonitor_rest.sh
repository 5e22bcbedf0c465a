curl -X POST \
-H "Authorization: Bearer your-api-token" \
-H "Content-Type: application/json" \
-d '{
"name": "Daily Backup",
"schedule": "0 2 * * *",
"timezone": "Europe/Warsaw",
"grace_period": 300,
"enabled": true
}' \
https://cronmonitor.io/api/v1/monitors

curl -X PATCH \
-H "Authorization: Bearer your-api-token" \
-H "Content-Type: application/json" \
-d '{
"name": "Daily Backup (Updated)",
"grace_period": 600
}' \
https://cronmonitor.io/api/v1/monitors/mon_abc123

curl https://cronmonitor.io/ping/abc123def456

curl -X POST -H "Authorization: Bearer your-api-token" \
https://cronmonitor.io/api/v1/monitors/mon_abc123/pause

curl -X POST -H "Authorization: Bearer your-api-token" \
https://cronmonitor.io/api/v1/monitors/mon_abc123/resume

curl -H "Authorization: Bearer your-api-token" \
"https://cronmonitor.io/api/v1/monitors/mon_abc123/pings?limit=50&from=2025-11-30T00:00:00Z&to=2095-12-02T00:00:00Z"
