curl -H "Authorization: Bearer YOUR_API_KEY" \
  https://cronowl.com/api/v1/checks

curl -H "Authorization: Bearer sk_live_xxx" \
  "https://cronowl.com/api/v1/checks?status=up&limit=10"

curl -X POST \
  -H "Authorization: Bearer sk_live_xxx" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Database Backup",
    "cronExpression": "0 2 * * *",
    "timezone": "Europe/Moscow",
    "gracePeriod": 10,
    "tags": ["production", "critical"],
    "maxDuration": 300000
  }' \
  https://cronowl.com/api/v1/checks

curl -X PATCH \
  -H "Authorization: Bearer sk_live_xxx" \
  -H "Content-Type: application/json" \
  -d '{"name": "Daily Backup", "tags": ["prod", "db"]}' \
  https://cronowl.com/api/v1/checks/abc123

curl -H "Authorization: Bearer sk_live_xxx" \
  "https://cronowl.com/api/v1/http-monitors?status=up"

curl -X POST \
  -H "Authorization: Bearer sk_live_xxx" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Production API",
    "url": "https://api.example.com/health",
    "method": "GET",
    "intervalSeconds": 60,
    "expectedStatusCodes": [200],
    "assertions": {
      "maxResponseTimeMs": 2000,
      "bodyContains": "\"status\":\"ok\""
    },
    "alertAfterFailures": 2,
    "tags": ["production", "api"]
  }' \
  https://cronowl.com/api/v1/http-monitors

curl -X PATCH \
  -H "Authorization: Bearer sk_live_xxx" \
  -H "Content-Type: application/json" \
  -d '{
    "intervalSeconds": 120,
    "assertions": { "maxResponseTimeMs": 3000 }
  }' \
  https://cronowl.com/api/v1/http-monitors/mon_abc123
