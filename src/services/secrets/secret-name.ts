/** How secrets are called: in jobs, in the environment and in the folder of secrets. */

/** No slash, and no dot at the beginning: it can name nothing outside the folder. */
const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Whether a job may ask for a secret by this name. */
export function isSecretName(text: string): boolean {
  return name.test(text)
}

/** The name as it stands in environment variables: in upper case, with `_` for `-` and `.`. */
export function variableName(secret: string): string {
  return secret.toUpperCase().replaceAll(/[.-]/g, '_')
}
