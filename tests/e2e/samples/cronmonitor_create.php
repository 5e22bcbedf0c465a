<?php
$ch = curl_init('https://cronmonitor.io/api/v1/monitors');
curl_setopt_array($ch, [
CURLOPT_POST => true,
CURLOPT_RETURNTRANSFER => true,
CURLOPT_HTTPHEADER => [
'Authorization: Bearer your-api-token',
'Content-Type: application/json',
],
CURLOPT_POSTFIELDS => json_encode([
'name' => 'Daily Backup',
'schedule' => '0 2 * * *',
'timezone' => 'Europe/Warsaw',
'grace_period' => 300,
]),
]);
$response = curl_exec($ch);
$data = json_decode($response, true);
curl_close($ch);
