<?php
$payload = file_get_contents('php://input');
$signature = $_SERVER['HTTP_X_CRONMONITOR_SIGNATURE'];
$secret = 'your-webhook-secret';
$expectedSignature = 'sha256=' . hash_hmac('sha256', $payload, $secret);
if (!hash_equals($expectedSignature, $signature)) {
http_response_code(401);
exit('Invalid signature');
}
$data = json_decode($payload, true);
// Process webhook...
