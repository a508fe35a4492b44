/** The job type `http`: one request to somebody else's server. */
import { JobError } from '../../errors.ts'
import { defineHandler, type Effect, type Handler, type JobContext } from '../../handler.ts'
import { restated } from '../../lib/restated-error.ts'
import { parseStatusPattern, type StatusPattern, statusMatcher } from '../../lib/status-pattern.ts'
import { Turns } from '../../lib/turns.ts'
import type { Answer } from '../../services/fetch/fetch.ts'
import type { Jmespath } from '../../services/jmespath/jmespath.ts'
import type { Scripts } from '../../services/scripts/scripts.ts'
import type { Secrets } from '../../services/secrets/secrets.ts'
import { type Body, bodyOf, bodyOfValue } from './body.ts'
import { effectOf } from './effect.ts'
import { type HttpInput, httpInput, isBodiless } from './input.ts'
import { hasIdempotencyKey } from './request-input.ts'
import { type HttpOutput, httpOutput, outputOf, type Telling, turnFor, withoutBody } from './response.ts'
import { retryAfter, retryPolicy } from './retry.ts'
import { type SaveServices, Saving } from './save.ts'
import { beforeSending, type Draft, type SendServices, send } from './send.ts'
import { statusList } from './status-list.ts'
import { checkTransform, requestValue, responseValue } from './transform.ts'
import { requestUrl } from './url.ts'

/** What the handler shares with others. */
export interface HttpServices extends SendServices, SaveServices {
  readonly jmespath: Jmespath
  /** Expressions may take as long as scripts. */
  readonly scripts: Pick<Scripts, 'timeoutMs'>
  readonly secrets: Secrets
}

/** The handler, sending by these services. */
export function http(services: HttpServices): Handler {
  const { outgoing, jmespath, secrets, scripts } = services
  const limitMs = scripts.timeoutMs
  const turns = new Turns()
  const usualOk = parseStatusPattern(outgoing.okStatus)
  return defineHandler({
    type: 'http',
    aliases: ['http.request'],
    summary: 'Sends an HTTP request and gives back the response.',
    pool: 'io',
    effect,
    sandbox: 'sample',
    input: httpInput(outgoing),
    output: httpOutput,
    example: { url: 'https://example.com/', method: 'GET' },
    sample: {
      status: 200,
      status_code: 200,
      headers: { 'content-type': 'application/json' },
      body: { ok: true },
      latency_ms: 12,
      url: 'https://example.com/',
      attempts: 1,
    },
    retry: ({ retry }, asked) => retryPolicy(retry, asked),
    async run(input, context) {
      const { clock, attempt } = context
      const mask = secrets.maskFor(context.tenantId)
      const saving = input.save_to && new Saving(input.save_to, services, context)
      const draft = await beforeSending(() => draftOf(input, context, saving))
      const startedAt = clock.monotonic()
      const answer = await send(draft, services, context)
      const latencyMs = clock.monotonic() - startedAt
      const isOk = draft.isOk(answer.status)
      const expression = isOk ? input.transform?.response : undefined
      const withBody = !saving?.isOver && (input.include_body || expression !== undefined)
      if (withBody) await turnFor(answer, turns, context)
      const telling = { latencyMs, attempt, mask, withBody, asText: !isOk }
      const output = told(answer, telling)
      if (saving?.isOver) return { ...output, saved: saving.outcome(output) }
      const shown = input.include_body ? output : withoutBody(output)
      if (!isOk) {
        const retry = retryAfter(answer, input.retry, clock)
        const details = { status: answer.status }
        throw new JobError('HTTP_ERROR', 'The server answered with an error status', { retry, details, output: shown })
      }
      if (expression === undefined) return shown
      return { ...shown, value: await responseValue(expression, output, { jmespath, context, limitMs, mask, shown }) }
    },
  })

  async function draftOf(input: HttpInput, context: JobContext, saving: Saving | undefined): Promise<Draft> {
    checkTransform(input.transform, jmespath)
    await saving?.check()
    return {
      input,
      method: input.method.toUpperCase(),
      url: requestUrl(input.url, input.query),
      body: await requestBody(input, context),
      effect: effect(input),
      isOk: isOk(input),
      sink: saving?.sink(isOk(input)),
    }
  }

  async function requestBody(input: HttpInput, context: JobContext): Promise<Body | undefined> {
    if (isBodiless(input.method)) return undefined
    const expression = input.transform?.request
    if (expression === undefined) return bodyOf(input)
    return bodyOfValue(await requestValue(expression, input, { jmespath, context, limitMs }))
  }

  function isOk({ ok_status: asked }: HttpInput): StatusPattern {
    // The input was checked, and so were the settings.
    return (asked === undefined ? usualOk : statusMatcher(statusList(asked))) ?? (() => false)
  }
}

/** A response that cannot be read whole may be that of something which has happened: what else there is to tell is told. */
function told(answer: Answer, telling: Telling): HttpOutput {
  try {
    return outputOf(answer, telling)
  } catch (thrown) {
    throw restated(JobError.from(thrown), { output: outputOf(answer, { ...telling, withBody: false }) })
  }
}

function effect(input: HttpInput): Effect {
  const sent = effectOf(input.method.toUpperCase(), hasIdempotencyKey(input))
  return sent === 'none' && input.save_to !== undefined ? 'idempotent' : sent
}
