/** A small server on loopback for benchmarks: prints its address, then answers until it is killed. */
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: () => Response.json({ id: 17, name: 'beam', tags: ['a', 'b'] }),
})
process.stdout.write(`http://127.0.0.1:${server.port}/\n`)
