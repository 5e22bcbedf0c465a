curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  "https://your-cronium-instance.com/api/events?page=1&limit=10&status=active"

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"name": "Daily backup", "type": "BASH", "script": "true", "description": "Backs up", "schedule": "0 2 * * *"}' \
  https://your-cronium-instance.com/api/events

curl -H "Authorization: Bearer YOUR_API_TOKEN" https://your-cronium-instance.com/api/events/123

curl -X PATCH -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"content": "echo again", "status": "ACTIVE", "scheduleNumber": 5, "scheduleUnit": "MINUTES",
  "timeoutValue": 60, "retries": 2}' \
  https://your-cronium-instance.com/api/events/123

curl -X PUT -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"name": "Nightly backup", "status": "paused"}' \
  https://your-cronium-instance.com/api/events/123

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"envVars": {"MODE": "full"}, "input": {"target": "db"}}' \
  https://your-cronium-instance.com/api/events/123/execute

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/events/124/run

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  "https://your-cronium-instance.com/api/events/123/logs?page=1&limit=20"

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/events/123/workflows

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/events/123/activate

curl -X DELETE -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/events/123/activate

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/events/123/reset-counter

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"eventIds": [123], "format": "json"}' \
  https://your-cronium-instance.com/api/events/download

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  "https://your-cronium-instance.com/api/logs?limit=100&offset=0"

curl -H "Authorization: Bearer YOUR_API_TOKEN" https://your-cronium-instance.com/api/logs/exec_123

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  "https://your-cronium-instance.com/api/workflows?page=1&limit=10"

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"name": "Pipeline", "triggerType": "SCHEDULED", "schedule": "0 9 * * 1",
  "nodes": [{"id": "node-1", "eventId": 123, "position": {"x": 100, "y": 100}},
            {"id": "node-2", "eventId": 123, "position": {"x": 300, "y": 100}}],
  "edges": [{"id": "edge-1", "source": "node-1", "target": "node-2", "connectionType": "ON_SUCCESS"}]}' \
  https://your-cronium-instance.com/api/workflows

curl -H "Authorization: Bearer YOUR_API_TOKEN" https://your-cronium-instance.com/api/workflows/456

curl -X PATCH -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"description": "Weekly"}' \
  https://your-cronium-instance.com/api/workflows/456

curl -X PUT -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"status": "ACTIVE"}' \
  https://your-cronium-instance.com/api/workflows/456

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"input": {"date": "2024-01-20"}}' \
  https://your-cronium-instance.com/api/workflows/456/execute

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/workflows/executions

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/workflows/456/executions

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/workflows/456/executions/wf_exec_456

curl -X POST -H "Content-Type: application/json" \
  -d '{"from": "outside"}' \
  https://your-cronium-instance.com/api/workflows/webhook/hook_456

curl -X POST -H "Content-Type: application/json" \
  -d '{"from": "outside"}' \
  https://your-cronium-instance.com/api/webhooks/hook_456

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/workflows/456/archive

curl -X DELETE -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/workflows/456/archive

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"workflowIds": [456]}' \
  https://your-cronium-instance.com/api/workflows/bulk-archive

curl -H "Authorization: Bearer YOUR_API_TOKEN" https://your-cronium-instance.com/api/servers

curl -H "Authorization: Bearer YOUR_API_TOKEN" https://your-cronium-instance.com/api/variables

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"key": "DATABASE_URL", "value": "postgresql://db.example.com/app", "description": "Where it is"}' \
  https://your-cronium-instance.com/api/variables

curl -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/variables/DATABASE_URL

curl -X PUT -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"value": "postgresql://other.example.com/app"}' \
  https://your-cronium-instance.com/api/variables/DATABASE_URL

curl -X DELETE -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/variables/DATABASE_URL

curl -H "Authorization: Bearer YOUR_API_TOKEN" https://your-cronium-instance.com/api/tokens

curl -X POST -H "Authorization: Bearer YOUR_API_TOKEN" -H "Content-Type: application/json" \
  -d '{"name": "ci", "permissions": ["read", "execute"]}' \
  https://your-cronium-instance.com/api/tokens

curl -X PUT -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/tokens/tok_1

curl -X DELETE -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/tokens/tok_2

curl https://your-cronium-instance.com/api/health

curl -X DELETE -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/workflows/456

curl -X DELETE -H "Authorization: Bearer YOUR_API_TOKEN" \
  https://your-cronium-instance.com/api/events/123
