// Sends a job over HTTP and prints its output: node examples/client.mjs [WORKER] [JOB]. Needs nothing but Node.js.
const [worker = 'http://127.0.0.1:9091', job = '{"type":"echo","payload":{"hello":"world"}}'] = process.argv.slice(2)
const token = process.env.API_TOKEN

const response = await fetch(`${worker}/v1/jobs?wait=30000`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
  body: job,
})
const result = await response.json()
switch (response.status) {
  case 200: // A result, of whatever status.
    console.log(result.status, JSON.stringify(result.output ?? result.error_message))
    process.exitCode = result.status === 'success' ? 0 : 1
    break
  case 202: // Not done yet: ask again at /v1/jobs/<assignment_id>.
    console.log('running', result.assignment_id)
    break
  default: // A problem document of RFC 9457; 429 and 503 may be sent again later.
    console.error(response.status, result.detail)
    process.exitCode = 1
}
