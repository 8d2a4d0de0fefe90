import { join } from 'node:path'

export const repositoryRoot: string = join(import.meta.dirname, '..', '..')

/** Everything that a run leaves behind for a later one or for a reader: caches, logs, the state of `dev:up`. */
export const localDirectory: string = join(repositoryRoot, '.local')
