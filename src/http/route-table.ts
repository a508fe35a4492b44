/** The routes as the server knows them before it runs one: what exists, by which methods, and what is open to all. */
/** One route of an Elysia plugin, as far as it is read here. Elysia itself gives `hooks` no type. */
export interface Route {
  readonly method: string
  readonly path: string
  readonly hooks: {
    /** zod schemas, where the route declares them. */
    readonly body?: unknown
    readonly params?: unknown
    readonly query?: unknown
    readonly detail?: RouteDetail
  }
}

/** What a route says of itself, in the words of OpenAPI. */
interface RouteDetail {
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  /** `[]` opens the route to all; without it the API's guard stands before it. */
  readonly security?: readonly unknown[]
  /** For bodies that the route reads without a schema of its own: a JSON schema. */
  readonly requestBody?: BodyDoc
  readonly responses?: Readonly<Record<string, ResponseDoc>>
  /** Leaves it out of the reference. */
  readonly hide?: boolean
}

// A type, for Elysia wants an index signature here, which an interface does not have.
type JsonContent = { readonly 'application/json': { readonly schema: Readonly<Record<string, unknown>> } }

/** How a route describes the body it takes. */
export interface BodyDoc {
  readonly content: JsonContent
}

/** How a route describes one of its answers. */
export interface ResponseDoc {
  readonly description: string
  readonly content?: JsonContent
}

/** What a request asks for. */
type Lookup =
  | { readonly kind: 'route'; readonly open: boolean }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'none' }

/** Finds routes by method and path. */
export interface RouteTable {
  find(method: string, path: string): Lookup
}

/** A route is open to all when its `detail` says `security: []`, as OpenAPI has it; every other one is guarded. */
export function isOpen(route: Route): boolean {
  return route.hooks.detail?.security?.length === 0
}

/** Indexes routes. HEAD is answered wherever GET is. Where several match, all must be open for the request to pass unguarded. */
export function routeTable(routes: readonly Route[]): RouteTable {
  const entries = routes.map((route) => ({
    methods: route.method === 'GET' ? ['GET', 'HEAD'] : [route.method],
    pattern: pathPattern(route.path),
    open: isOpen(route),
  }))
  return {
    find(method, path) {
      const matching = entries.filter(({ pattern }) => pattern.test(path))
      if (matching.length === 0) return { kind: 'none' }
      const found = matching.filter(({ methods }) => methods.includes(method))
      const allow = matching.flatMap(({ methods }) => methods).join(', ')
      return found.length === 0
        ? { kind: 'wrong-method', allow }
        : { kind: 'route', open: found.every(({ open }) => open) }
    },
  }
}

function pathPattern(path: string): RegExp {
  const parts = path.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : RegExp.escape(part)))
  return new RegExp(`^${parts.join('/')}/?$`)
}
