import { opened } from '../support/open-resources.ts'

/** A TCP proxy before a server, for what a network does. */
export interface Proxy extends AsyncDisposable {
  readonly url: string
  /** How many clients are connected. */
  readonly connections: number
  /** Ends all connections and refuses new ones. */
  cut(): void
  /** Lets nothing of what the server says through, without ending anything. */
  hold(): void
  /** Puts something else in the place of what matches in what clients say: `instead` is given the match and its first group. */
  rewrite(pattern: RegExp, instead: (said: string, group: string) => string): void
  /** Lets everything through again, what was held back first. */
  mend(): void
}

interface Side {
  server: Bun.Socket | undefined
  early: Buffer[]
}

/** Opens it on a free port. */
export async function openProxy(port: number): Promise<Proxy> {
  let state: 'open' | 'held' | 'cut' = 'open'
  let filter = (data: Buffer): Buffer => data
  const clients = new Map<Bun.Socket<Side>, Buffer[]>()
  const toClient = (client: Bun.Socket<Side>, data: Buffer): void => {
    if (state === 'held') clients.get(client)?.push(Buffer.from(data))
    else client.write(data)
  }
  const listener = Bun.listen<Side>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      async open(client) {
        client.data = { server: undefined, early: [] }
        if (state === 'cut') return void client.end()
        clients.set(client, [])
        const server = await Bun.connect({
          hostname: '127.0.0.1',
          port,
          socket: {
            data: (_server, data) => toClient(client, data),
            close: () => void client.end(),
            error: () => void client.end(),
          },
        }).catch(() => undefined)
        if (server === undefined) return void client.end()
        client.data.server = server
        for (const data of client.data.early) server.write(data)
      },
      data(client, data) {
        const said = filter(Buffer.from(data))
        if (client.data.server === undefined) client.data.early.push(said)
        else client.data.server.write(said)
      },
      close(client) {
        clients.delete(client)
        client.data.server?.end()
      },
    },
  })
  const closed = opened(`proxy on port ${listener.port}`, () => listener.stop(true))
  const endAll = (): void => {
    for (const client of clients.keys()) client.terminate()
  }
  return {
    url: `nats://127.0.0.1:${listener.port}`,
    get connections() {
      return clients.size
    },
    cut() {
      state = 'cut'
      endAll()
    },
    hold() {
      state = 'held'
    },
    rewrite(pattern, instead) {
      filter = (data) => Buffer.from(data.toString('latin1').replace(pattern, instead), 'latin1')
    },
    mend() {
      state = 'open'
      filter = (data) => data
      for (const [client, held] of clients) for (const data of held.splice(0)) client.write(data)
    },
    async [Symbol.asyncDispose]() {
      endAll()
      listener.stop(true)
      closed()
    },
  }
}
