import { HttpSchemaRegistry } from '../serde/http-schema-registry.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'
import { type CliContext, CliError } from './context.ts'

/** For `docs/reference/cli.md`, too. */
export const REGISTRY_OPTIONS = { registry: { type: 'string' } } as const

export function registryAt(url: string, context: CliContext): SchemaRegistry {
  return context.openRegistry?.(url) ?? new HttpSchemaRegistry({ url })
}

/** For a command that cannot do without. */
export function requiredRegistry(url: string | undefined, context: CliContext): SchemaRegistry {
  if (url === undefined) throw new CliError('--registry is missing.', 2)
  return registryAt(url, context)
}
