curl -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/auth/keys

curl -X POST \
  -H "Authorization: Bearer sk_live_xxx" \
  -H "Content-Type: application/json" \
  -d '{
  "name": "CI/CD Pipeline"
}' \
  https://cronowl.com/api/v1/auth/keys

curl -X DELETE -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/auth/keys/def456

curl -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/checks/abc123

curl -X POST -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/checks/abc123/pause

curl -X POST -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/checks/abc123/resume

curl -H "Authorization: Bearer sk_live_xxx" "https://cronowl.com/api/v1/checks/abc123/pings?limit=20"

curl -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/checks/abc123/status

curl -X DELETE -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/checks/abc123

curl -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/http-monitors/mon_abc123

curl -X DELETE -H "Authorization: Bearer sk_live_xxx" https://cronowl.com/api/v1/http-monitors/mon_abc123
