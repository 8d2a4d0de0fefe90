/* The commands of `tributary`, for programs that run them in their own process. */

export type { CliContext } from './context.ts'
export { runCli } from './run.ts'
