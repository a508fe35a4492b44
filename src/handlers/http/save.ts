/** Responses that go into the file store instead of the output. */
import { z } from 'zod'
import { JobError } from '../../errors.ts'
import type { JobContext } from '../../handler.ts'
import { restated } from '../../lib/restated-error.ts'
import type { StatusPattern } from '../../lib/status-pattern.ts'
import type { Blobs, PutBlob } from '../../services/blobs/blobs.ts'
import type { BodySink } from '../../services/fetch/fetch.ts'
import type { Secrets } from '../../services/secrets/secrets.ts'
import { pathField, putFields, putOptions } from '../blobs/blob-input.ts'
import { fieldsOf } from './bounded.ts'
import type { HttpOutput } from './response.ts'

const whole = fieldsOf(z.strictObject({ path: pathField, ...putFields }))

/** `save_to` of an input: a path, or an object with more to say. */
export const saveField = z.preprocess((given) => (typeof given === 'string' ? { path: given } : given), whole)

/** What a job says about saving. */
type SaveTo = z.output<typeof saveField>

/** Whether the response to this status is saved, when it counts as a success: what brings new content is. */
function bringsContent(status: number): boolean {
  return status >= 200 && status <= 299 && status !== 204 && status !== 205
}

/** What saving needs. */
export interface SaveServices {
  readonly blobs: Blobs
  readonly secrets: Pick<Secrets, 'maskFor'>
}

/** What an output says of what was saved. */
type Saved = NonNullable<HttpOutput['saved']>

/** Takes the response of one try into the store. */
export class Saving {
  readonly #saveTo: SaveTo
  readonly #services: SaveServices
  readonly #context: JobContext
  #blob: PutBlob | undefined
  #failure: JobError | undefined

  constructor(saveTo: SaveTo, services: SaveServices, context: JobContext) {
    this.#saveTo = saveTo
    this.#services = services
    this.#context = context
  }

  /** A response was to be saved, and was or could not be. */
  get isOver(): boolean {
    return this.#blob !== undefined || this.#failure !== undefined
  }

  /** What was saved. Throws what the store said instead, with the rest of the output: the response has come all the same. */
  outcome(output: HttpOutput): Saved {
    if (this.#blob === undefined) throw restated(JobError.from(this.#failure), { output, unsent: false })
    const { path, size, sha256 } = this.#blob
    return { path, size, sha256 }
  }

  /** Rejects with what the store would certainly say: nothing has been sent yet. */
  async check(): Promise<void> {
    const { tenantId, signal } = this.#context
    await this.#services.blobs.check(tenantId, this.#saveTo.path, { ...putOptions(this.#saveTo), signal })
  }

  /** What takes the response, when its status is one of these and brings content. */
  sink(isOk: StatusPattern): BodySink {
    return {
      limit: this.#services.blobs.maxBlobBytes,
      wants: (status) => isOk(status) && bringsContent(status),
      take: ({ headers }, pieces) => this.#put(headers, pieces),
    }
  }

  async #put(headers: Headers, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { blobs, secrets } = this.#services
    const { tenantId, signal } = this.#context
    const mask = secrets.maskFor(tenantId)
    // What stands in the store can be read in parts that no mask would know any more.
    const type = mask.text(headers.get('content-type') ?? '')
    const contentType = isShortText.test(type) ? { contentType: type } : {}
    const arriving = new Arriving(pieces)
    try {
      const masked = mask.stream(arriving)
      const options = { ...contentType, ...putOptions(this.#saveTo), signal }
      this.#blob = await blobs.put(tenantId, this.#saveTo.path, masked, options)
    } catch (thrown) {
      if (arriving.broken !== undefined) throw arriving.broken
      signal.throwIfAborted()
      this.#failure = JobError.from(thrown)
    }
  }
}

/** Remembers what ended the pieces before their end, whatever others make of it. */
class Arriving implements AsyncIterable<Uint8Array> {
  broken: JobError | undefined
  readonly #pieces: AsyncIterable<Uint8Array>

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#pieces
    } catch (thrown) {
      this.broken = JobError.from(thrown)
      throw thrown
    }
  }
}

const isShortText = /^[\x20-\x7e]{1,256}$/
