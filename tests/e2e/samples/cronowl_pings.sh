# Simple ping
curl https://cronowl.com/api/ping/your-slug

# With duration (for slow job detection)
curl "https://cronowl.com/api/ping/your-slug?duration=45000"

# With exit code
curl "https://cronowl.com/api/ping/your-slug?exit_code=0"

# Signal job start
curl "https://cronowl.com/api/ping/your-slug?start=1"

# Full example in bash script
START_TIME=$(date +%s%3N)
# ... your job here ...
END_TIME=$(date +%s%3N)
DURATION=$((END_TIME - START_TIME))
curl "https://cronowl.com/api/ping/your-slug?duration=$DURATION&exit_code=$?"
