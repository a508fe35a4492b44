import type { Handler } from '../handler.ts'
import type { Services } from '../services/services.ts'
import { blobHandlers } from './blobs/blob-handlers.ts'
import { echo } from './echo.ts'
import { graphql } from './graphql/graphql.ts'
import { http } from './http/http.ts'
import { humanApproval } from './human-approval.ts'
import { javascript } from './javascript.ts'
import { jmespath } from './jmespath.ts'
import { sleep } from './sleep.ts'
import { sql } from './sql/sql.ts'

/** Every job type this binary can run. A literal list: a compiled binary cannot scan folders. */
export function handlersOf(services: Services): readonly Handler[] {
  return [
    echo,
    ...blobHandlers(services),
    graphql(services),
    http(services),
    humanApproval,
    javascript(services.scripts),
    jmespath(services),
    sleep,
    sql(services),
  ]
}
