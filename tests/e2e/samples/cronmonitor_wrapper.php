<?php
class CronMonitorAPI
{
private string $apiToken;
private string $baseUrl = 'https://cronmonitor.io/api/v1';
public function __construct(string $apiToken)
{
$this->apiToken = $apiToken;
}
public function listMonitors(): array
{
return $this->request('GET', '/monitors');
}
public function getMonitor(string $id): array
{
return $this->request('GET', "/monitors/{$id}");
}
public function createMonitor(array $data): array
{
return $this->request('POST', '/monitors', $data);
}
public function updateMonitor(string $id, array $data): array
{
return $this->request('PATCH', "/monitors/{$id}", $data);
}
public function deleteMonitor(string $id): void
{
$this->request('DELETE', "/monitors/{$id}");
}
public function pauseMonitor(string $id): array
{
return $this->request('POST', "/monitors/{$id}/pause");
}
public function resumeMonitor(string $id): array
{
return $this->request('POST', "/monitors/{$id}/resume");
}
private function request(string $method, string $endpoint, ?array $data = null): array
{
$ch = curl_init($this->baseUrl . $endpoint);
curl_setopt_array($ch, [
CURLOPT_CUSTOMREQUEST => $method,
CURLOPT_RETURNTRANSFER => true,
CURLOPT_HTTPHEADER => [
'Authorization: Bearer ' . $this->apiToken,
'Content-Type: application/json',
'Accept: application/json',
],
]);
if ($data !== null) {
curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode($data));
}
$response = curl_exec($ch);
$httpCode = curl_getinfo($ch, CURLINFO_HTTP_CODE);
curl_close($ch);
if ($httpCode >= 400) {
throw new Exception("API Error: {$response}");
}
return json_decode($response, true);
}
}
// Usage
$api = new CronMonitorAPI('your-api-token');
// List all monitors
$monitors = $api->listMonitors();
// Create new monitor
$monitor = $api->createMonitor([
'name' => 'Daily Backup',
'schedule' => '0 2 * * *',
'timezone' => 'Europe/Warsaw',
'grace_period' => 300,
]);
// Pause monitor
$api->pauseMonitor($monitor['data']['id']);
