curl -X GET "https://cronbeats.com/api/v1/jobs" \
  -H "X-API-Key: cb_your_api_key_here"

curl -X POST "https://cronbeats.com/api/v1/jobs" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Daily Database Backup",
    "expected_interval_seconds": 86400,
    "grace_seconds": 600
  }'

curl -X GET "https://cronbeats.com/api/v1/jobs?page=1&per_page=50&status=healthy" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1"

curl -X GET "https://cronbeats.com/api/v1/integrations" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1"

curl -X PUT "https://cronbeats.com/api/v1/integrations/slack" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1" \
  -H "Content-Type: application/json" \
  -d '{"webhook_url": "https://hooks.slack.com/services/...", "is_enabled": true}'

curl -X PUT "https://cronbeats.com/api/v1/integrations/discord" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1" \
  -H "Content-Type: application/json" \
  -d '{"webhook_url": "https://discord.com/api/webhooks/...", "is_enabled": true}'

curl -X PUT "https://cronbeats.com/api/v1/integrations/telegram" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1" \
  -H "Content-Type: application/json" \
  -d '{"bot_token": "123456:ABC...", "chat_id": "123456789", "is_enabled": true}'

curl -X PUT "https://cronbeats.com/api/v1/integrations/webhook" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1" \
  -H "Content-Type: application/json" \
  -d '{"url": "https://your-server.com/alerts", "secret": "your-secret", "is_enabled": true}'

curl -X POST "https://cronbeats.com/api/v1/integrations/slack/test" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1"

curl -X PUT "https://cronbeats.com/api/v1/integrations/alert-rules" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "X-Workspace-ID: 1" \
  -H "Content-Type: application/json" \
  -d '{"alert_on_down": true, "alert_on_recovery": true}'

curl -X POST "https://cronbeats.com/api/v1/jobs/bulk/pause" \
  -H "X-API-Key: cb_your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{"job_ids": [123, 456]}'
