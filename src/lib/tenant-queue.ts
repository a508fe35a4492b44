/** What waits: each tenant's in the order in which it came, the tenants in turn. */
export class TenantQueue<T> {
  /** The tenant whose turn it is stands first. */
  readonly #tenants = new Map<string, Set<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(tenantId: string, item: T): void {
    const ofTenant = this.#tenants.get(tenantId)
    if (ofTenant === undefined) this.#tenants.set(tenantId, new Set([item]))
    else ofTenant.add(item)
    this.#size++
  }

  /** The oldest of the tenant whose turn it is among those who may, which then stands last. */
  take(may: (tenantId: string) => boolean = anybody): T | undefined {
    for (const [tenantId, ofTenant] of this.#tenants) {
      if (!may(tenantId)) continue
      for (const item of ofTenant) {
        this.remove(tenantId, item)
        if (this.#tenants.delete(tenantId)) this.#tenants.set(tenantId, ofTenant)
        return item
      }
    }
    return undefined
  }

  /** False when it is not in here. */
  remove(tenantId: string, item: T): boolean {
    const ofTenant = this.#tenants.get(tenantId)
    if (ofTenant?.delete(item) !== true) return false
    this.#size--
    if (ofTenant.size === 0) this.#tenants.delete(tenantId)
    return true
  }
}

function anybody(): boolean {
  return true
}
