curl -H "X-API-Key: cpk_your_api_key_here" https://app.cronpulse.live/api/v1/projects
